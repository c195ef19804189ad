// Starts the simulated Pipedrive as a process of its own, and a receiver for its webhooks.
import { spawn } from 'node:child_process';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

// How long the stand-in may take to say where it answers, in milliseconds; it takes a tenth of a second.
const START_MS = 20_000;

// Starts the binary on a free port; gives its address, its token and a way to end it.
export async function start(binary, settings) {
  const set = Object.entries(settings).flatMap(([key, value]) => ['--set', `${key}=${JSON.stringify(value)}`]);
  const child = spawn(binary, ['standin', 'pipedrive', ...set], { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout });
  const gone = once(child, 'exit').then(([code]) => {
    throw new Error(`the stand-in ended before it answered, with ${code}`);
  });
  const [line] = await Promise.race([once(lines, 'line', { signal: AbortSignal.timeout(START_MS) }), gone]);
  gone.catch(() => {});
  const { address, token } = JSON.parse(line);
  return { address, token, stop: () => child.kill('SIGTERM') };
}

// Asks the control surface, which costs nothing and is not counted.
export async function control(standin, path, body) {
  const method = body === undefined ? 'GET' : 'POST';
  const answer = await fetch(`${standin.address}/standin/${path}`, { method, body: body && JSON.stringify(body) });
  return answer.json();
}

// A receiver that keeps what it hears.
export async function receiver() {
  const heard = [];
  const server = createServer(async (request, response) => {
    let text = '';
    for await (const part of request) text += part;
    heard.push(JSON.parse(text));
    response.end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { url: `http://127.0.0.1:${server.address().port}/hook`, heard, stop: () => server.close() };
}
