import { defineConfig } from 'vite';

// Relative URLs: the page works under any path that it is mounted at.
export default defineConfig({
  logLevel: "error",
  base: './',
  build: { outDir: '../dist', emptyOutDir: true, chunkSizeWarningLimit: 4000 },
  oxc: { jsx: { runtime: 'automatic' } },
});
