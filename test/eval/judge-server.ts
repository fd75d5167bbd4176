/** A server that speaks the chat API, and misbehaves as told. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export type Request = { url: string; authorization: string | undefined; body: { model: string; messages: { role: string; content: string }[]; [setting: string]: unknown } };

/** What the server does with a request: a reply's text, or something else. */
export type Act = string | ((response: ServerResponse, request: Request) => unknown);

export type JudgeServer = AsyncDisposable & { url: string; requests: Request[]; /** At once at most. */ crowd: number };

/** @param act by the number of the request, from 0 */
export async function judgeServer(act: (n: number, request: Request) => Act | Promise<Act>): Promise<JudgeServer> {
  const requests: Request[] = [];
  let under = 0;
  const answer = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    told.crowd = Math.max(told.crowd, ++under);
    response.on('close', () => under--);
    const pieces: Buffer[] = [];
    for await (const piece of incoming as AsyncIterable<Buffer>) pieces.push(piece);
    const request: Request = { url: incoming.url!, authorization: incoming.headers.authorization, body: JSON.parse(Buffer.concat(pieces).toString()) as Request['body'] };
    const n = requests.push(request) - 1;
    const does = await act(n, request);
    if (typeof does === 'string') json(200, { choices: [{ index: 0, message: { role: 'assistant', content: does }, finish_reason: 'stop' }] })(response);
    else does(response, request);
  };
  const server = createServer((incoming, response) => void answer(incoming, response).catch(() => response.destroy()));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const told: JudgeServer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`, requests, crowd: 0,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return told;
}

export const json = (status: number, body: unknown, headers: Record<string, string> = {}) => (response: ServerResponse): void => {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
};

/** Half a reply, then the connection is gone. */
export const cut = (response: ServerResponse): void => {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
  response.write('{"choices": [{"message"', () => response.destroy());
};
