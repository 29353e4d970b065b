// Entry: read the server's configuration, finish a sign-in that is under way, show the page.
import 'graphiql/setup-workers/vite';
import 'graphiql/style.css';
import '@graphiql/plugin-explorer/style.css';
import './style.css';
import { createRoot } from 'react-dom/client';
import { Page } from './page.jsx';
import { finishSignIn } from './identity.js';

const root = createRoot(document.getElementById('root'));

async function start() {
  const answer = await fetch('./config.json', { headers: { accept: 'application/json' } });
  if (!answer.ok) throw new Error(`The server gave no configuration (HTTP ${answer.status}).`);
  const config = await answer.json();
  document.title = config.title;
  const { session, problem } = config.identity ? await finishSignIn(config.identity) : {};
  root.render(<Page config={config} initialSession={session ?? null} problem={problem ?? null} />);
}

start().catch((error) => root.render(<p className="loading" role="alert">{error.message}</p>));
