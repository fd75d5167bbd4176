/** The worker thread: takes calls one after another, for session.run holds its thread. */
import { parentPort, workerData } from 'node:worker_threads';
import { StaveError } from '../errors.ts';
import type { Engine } from './engine.ts';
import { enter, leave } from './gate.ts';
import { states, type Answers, type Call, type Kind, type Reply, type WireError } from './protocol.ts';

const port = parentPort!;
const { gate } = workerData as { gate: Int32Array };
let engine: Engine | undefined;
let turn = Promise.resolve();

port.on('message', (call: Call) => {
  turn = turn.then(() => serve(call));
});

port.on('messageerror', (error: Error) => {
  throw error; // a call was lost, and nobody knows whose: the thread ends, and all who wait are told
});

async function serve(call: Call): Promise<void> {
  if (Atomics.load(call.state, 0) === states.CANCELLED) return;
  const commit = (): boolean => Atomics.compareExchange(call.state, 0, states.PENDING, states.DONE) === states.PENDING;
  let reply: Reply;
  if (!enter(gate)) return; // the process is exiting
  try {
    const answer = await answerTo(call, commit);
    if (!commit() && Atomics.load(call.state, 0) === states.CANCELLED) return;
    reply = { id: call.id, ok: true, answer };
  } catch (error) {
    commit();
    reply = { id: call.id, ok: false, error: wire(error) };
  } finally {
    leave(gate);
  }
  port.postMessage(reply, reply.ok ? buffers(reply.answer) : []);
  if (call.kind === 'close') port.close(); // nothing is left to listen to: the thread ends
}

async function answerTo(call: Call, commit: () => boolean): Promise<Answers[Kind]> {
  if (call.kind === 'start') {
    engine = new (await loadEngine())(call.body);
    return null;
  }
  const e = engine!;
  switch (call.kind) {
    case 'about': return e.about();
    case 'compile': await e.compile(call.body); break;
    case 'run': return e.run(call.body, commit);
    case 'release': await e.release(call.body.program); break;
    case 'read': return e.read(call.body.key);
    case 'write': e.write(call.body.key, call.body.tensor); break;
    case 'drop': e.drop(call.body.key); break;
    case 'close': await e.close(); break;
  }
  return null;
}

/** Loaded here, so that a platform without the engine gives an error and no dead thread. */
async function loadEngine(): Promise<typeof Engine> {
  try {
    return (await import('./engine.ts')).Engine;
  } catch (cause) {
    throw new StaveError('RUNTIME', {
      what: `the engine (onnxruntime-node) cannot be loaded on ${process.platform} ${process.arch}`,
      why: (cause as Error).message,
      fix: 'run npm install again; it exists for Linux and Windows (x64, arm64) and macOS (arm64)',
      cause,
    });
  }
}

/** Every buffer of the answer's tensors: they are moved, not copied. */
function buffers(answer: Answers[Kind]): ArrayBuffer[] {
  const tensors = answer === null || 'providers' in answer ? [] : 'data' in answer && ArrayBuffer.isView(answer.data) ? [answer as Answers['read']] : Object.values(answer as Answers['run']);
  return [...new Set(tensors.map((t) => t.data.buffer))].filter((b) => b instanceof ArrayBuffer);
}

function wire(error: unknown): WireError {
  if (error instanceof StaveError) return { code: error.code, what: error.what, why: error.why, fix: error.fix };
  return { code: 'RUNTIME', what: 'the runtime failed', why: error instanceof Error ? (error.stack ?? error.message) : String(error) };
}
