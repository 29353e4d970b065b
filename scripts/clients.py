"""Typed client packages: ``make clients``, or ``python scripts/clients.py [NAME...]``.

For each contract folder with saved operations it writes, beside them and ignored by git:

    generated/manifest.json   the persisted operations in Apollo's format, ids by sha256
    generated/typescript/     an npm package: documents with types, for urql and Apollo Client
    generated/python/         a Python package: pydantic models and an async client

The code is the ecosystems' own generators', of the versions named below, installed under ``var/``:
graphql-codegen's client preset by npm, and ariadne-codegen in an environment of its own, because it
needs another graphql-core than the router. Every typed document knows its id in the manifest.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from router.contracts.contract import Contract, load_contracts
from router.contracts.persisted import load_persisted

__all__ = ["Package", "generate", "main"]

ROOT: Final = Path(__file__).parents[1]
TOOLS: Final = ROOT / "var" / "clients"
NPM_TOOLS: Final = {
    "@graphql-codegen/cli": "7.4.3",
    "@graphql-codegen/client-preset": "6.2.0",
    "@graphql-typed-document-node/core": "3.2.0",
    "graphql": "16.15.0",
    "typescript": "7.0.2",
}
PYTHON_TOOLS: Final = ("ariadne-codegen==0.19.0", "websockets>=16")
TIMEOUT_S: Final = 300

PYTHON_PROJECT: Final = """[build-system]
requires = ["hatchling>=1.27"]
build-backend = "hatchling.build"

[project]
name = "clients-NAME"
version = "1.0.0"
requires-python = ">=3.11"
dependencies = ["httpx>=0.27", "pydantic>=2.10", "websockets>=14.2"]

[tool.hatch.build.targets.wheel]
packages = ["MODULE"]
artifacts = ["MODULE"]
"""

CODEGEN: Final = """
import { readFileSync } from 'node:fs';
const { operations } = JSON.parse(readFileSync('MANIFEST'));
const ids = new Map(operations.map((each) => [each.name, each.id]));
// The generator sorts selections before it hashes; the id is that of the text as it was saved.
const hashAlgorithm = (text) => ids.get(/^(?:query|mutation|subscription) (\\w+)/m.exec(text)[1]);
export default {
  schema: 'SCHEMA',
  documents: 'OPERATIONS',
  emitLegacyCommonJSImports: false,
  generates: {
    'OUT/': {
      preset: 'client',
      presetConfig: { fragmentMasking: false, persistedDocuments: { hashAlgorithm } },
      config: {
        useTypeImports: true,
        enumsAsTypes: true,
        scalars: { Date: 'string', DateTime: 'string', Decimal: 'string' },
      },
    },
  },
};
"""


@dataclass(frozen=True, slots=True)
class Package:
    """What is made for one client: from which schema and operations, and where it goes."""

    name: str
    schema: Path
    operations: Path
    out: Path

    @property
    def manifest(self) -> Path:
        """The persisted operations in Apollo's format."""
        return self.out / "manifest.json"


def main(argv: Sequence[str] | None = None) -> int:
    """Make the packages of the clients named, or of all; returns the exit status."""
    parser = argparse.ArgumentParser(description="Make typed client packages.")
    parser.add_argument("clients", nargs="*", help="names of clients; all when none is given")
    parser.add_argument("--contracts", type=Path, default=ROOT / "clients")
    parser.add_argument("--schemas", type=Path, default=ROOT / "schema" / "clients")
    options = parser.parse_args(argv)
    made = generate(options.contracts, options.schemas, options.clients)
    unknown = set(options.clients) - {package.name for package in made}
    if unknown:
        sys.stderr.write(f"no client with saved operations: {', '.join(sorted(unknown))}\n")
        return 1
    for package in made:
        print(package.out)
    return 0


def generate(contracts: Path, schemas: Path, names: Sequence[str] = ()) -> list[Package]:
    """Make the packages of the clients in ``contracts``; raises ``CalledProcessError``."""
    made: list[Package] = []
    for contract in load_contracts(contracts):
        folder = contracts.resolve() / contract.name
        operations = folder / "operations"
        if not operations.is_dir() or (names and contract.name not in names):
            continue
        schema = schemas.resolve() / f"{contract.name}.graphql"
        package = Package(contract.name, schema, operations, folder / "generated")
        shutil.rmtree(package.out, ignore_errors=True)
        package.out.mkdir()
        _write_manifest(contract, package)
        _write_typescript(package, _npm_tools())
        _write_python(package, _python_tools())
        made.append(package)
    return made


def _write_manifest(contract: Contract, package: Package) -> None:
    operations = [
        {
            "id": hashlib.sha256(operation.text.encode()).hexdigest(),
            "name": operation.name,
            "type": operation.text.split(maxsplit=1)[0],
            "body": operation.text,
        }
        for operation in load_persisted(contract)
    ]
    manifest = {
        "format": "apollo-persisted-query-manifest",
        "version": 1,
        "operations": sorted(operations, key=lambda operation: str(operation["name"])),
    }
    package.manifest.write_text(json.dumps(manifest, indent=2) + "\n", "utf-8")


def _write_typescript(package: Package, tools: Path) -> None:
    """Generate sources, then ship them as any npm package: JavaScript with declarations."""
    work = tools / "work" / package.name
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    replacements = {
        "MANIFEST": package.manifest,
        "SCHEMA": package.schema,
        "OPERATIONS": package.operations / "**" / "*.graphql",
        "OUT": work / "src",
    }
    config = CODEGEN
    for word, path in replacements.items():
        config = config.replace(word, path.as_posix())
    (work / "codegen.mjs").write_text(config, "utf-8")
    binaries = tools / "node_modules" / ".bin"
    _run([binaries / "graphql-codegen", "--silent", "--config", work / "codegen.mjs"], tools)
    out = package.out / "typescript"
    compiler = {
        "--outDir": str(out),
        "--rootDir": str(work / "src"),
        "--module": "nodenext",
        "--target": "es2022",
    }
    flags = [word for pair in compiler.items() for word in pair]
    out.mkdir()
    description = {
        "name": f"@clients/{package.name}",
        "version": "1.0.0",
        "private": True,
        "type": "module",
        "main": "index.js",
        "types": "index.d.ts",
        "dependencies": {
            "@graphql-typed-document-node/core": NPM_TOOLS["@graphql-typed-document-node/core"]
        },
        "peerDependencies": {"graphql": "^16.11.0"},
    }
    (out / "package.json").write_text(json.dumps(description, indent=2) + "\n", "utf-8")
    (work / "package.json").write_text('{"type": "module"}')
    sources = sorted((work / "src").glob("*.ts"))
    _run([binaries / "tsc", *flags, "--declaration", "--strict", *sources], tools)


def _write_python(package: Package, tools: Path) -> None:
    out = package.out / "python"
    out.mkdir()
    module = package.name.replace("-", "_") + "_client"
    settings = {
        "schema_path": package.schema,
        "queries_path": package.operations,
        "target_package_path": out,
        "target_package_name": module,
        "client_name": "".join(word.title() for word in module.split("_")),
        "include_comments": "none",
    }
    lines = [f"{name} = {json.dumps(str(value))}" for name, value in settings.items()]
    lines += ["include_all_inputs = false", "include_all_enums = false"]
    config = out / "codegen.toml"
    config.write_text("[tool.ariadne-codegen]\n" + "\n".join(lines) + "\n", "utf-8")
    _run([tools / "bin" / "ariadne-codegen", "--config", config], out)
    config.unlink()
    (out / "pyproject.toml").write_text(
        PYTHON_PROJECT.replace("NAME", package.name).replace("MODULE", module), "utf-8"
    )


def _npm_tools() -> Path:
    """The folder with npm's generators; installed when their versions have changed."""
    folder = TOOLS / "node"
    wanted = json.dumps({"private": True, "type": "module", "dependencies": NPM_TOOLS})
    stamp = folder / "installed.json"
    if not stamp.is_file() or stamp.read_text() != wanted:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "package.json").write_text(wanted)
        quiet = ["--no-package-lock", "--no-audit", "--no-fund", "--silent"]
        _run(["npm", "install", *quiet], folder)
        stamp.write_text(wanted)
    return folder


def _python_tools() -> Path:
    """The environment with ariadne-codegen, and what its clients need to run."""
    folder = TOOLS / "python"
    wanted = "\n".join((sys.version, *PYTHON_TOOLS))
    stamp = folder / "installed.txt"
    if not stamp.is_file() or stamp.read_text() != wanted:
        uv = Path(sysconfig.get_path("scripts")) / "uv"
        python = folder / "bin" / "python"
        _run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, folder], ROOT)
        _run([uv, "pip", "install", "--quiet", "--python", python, *PYTHON_TOOLS], ROOT)
        stamp.write_text(wanted)
    return folder


def _run(command: Sequence[Any], folder: Path) -> None:
    """Run quietly; what it said is shown when it fails."""
    done = subprocess.run(
        [str(word) for word in command],
        cwd=folder,
        env=_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    if done.returncode:
        sys.stderr.write(done.stdout)
        done.check_returncode()


def _environment() -> Mapping[str, str]:
    """Node may come from a PyPI wheel in our environment, so its programs are found too."""
    path = os.pathsep.join((os.environ.get("PATH", ""), sysconfig.get_path("scripts")))
    return {**os.environ, "PATH": path}


if __name__ == "__main__":
    sys.exit(main())
