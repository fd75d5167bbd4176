/** onnxruntime's errors, turned into ours: which node, what about it. */
import { StaveError, type Details } from '../errors.ts';

const patterns: [RegExp, (m: RegExpExecArray) => Details][] = [
  [/(?:while running (\w+) node\.[^]*)?(?:Failed to allocate memory for requested buffer of size (\d+)|std::bad_alloc)/, ([, op, bytes]) => ({
    what: `out of memory${op ? ` in a ${op}` : ''}${bytes ? `: ${Math.ceil(Number(bytes) / 1e6)} MB more were needed` : ''}`,
    fix: 'use fewer or smaller frames, a shorter prompt or a smaller batch',
  })],
  // while running
  [/while running (\w+) node\. Name:\s*'([^']*)' Status Message: ([^]*)/, ([, op, name, message]) => ({ what: `node "${name}" (${op}) failed`, why: tidy(message) })],
  // shape or type rules at load
  [/Node \(([^)]*)\) Op \((\w+)\) ([^]*)/, ([, name, op, message]) => ({ what: `node "${name}" (${op}) is not valid`, why: tidy(message) })],
  [/In Node, \("([^"]*)", (\w+),[^]*?Error ([^]*)/, ([, name, op, message]) => ({ what: `node "${name}" (${op}) is not valid`, why: tidy(message) })],
  [/Type Error: ([^]*)/, ([, message]) => ({ what: 'the types of the graph do not fit', why: tidy(message) })],
  // weights in files
  [/initializer[: ]+'?([\w./:-]+)'?[^]*?(?:external|file)([^]*)/i, ([all, name]) => ({ what: `weight "${name}" cannot be read`, why: tidy(all), fix: 'check that the checkpoint is still where it was' })],
];

/** @param what the situation, for messages that no pattern knows  @param sizes of this run, if any */
export function explain(error: unknown, what: string, sizes = ''): StaveError {
  if (error instanceof StaveError) return error;
  const message = error instanceof Error ? error.message : String(error);
  for (const [pattern, read] of patterns) {
    const m = pattern.exec(message);
    if (!m) continue;
    const details = read(m);
    return new StaveError('RUNTIME', { ...details, what: details.what + sizes, cause: error });
  }
  return new StaveError('RUNTIME', { what: what + sizes, why: tidy(message), cause: error });
}

/** Without the source paths of the engine's build. */
function tidy(message: string): string {
  return message.replaceAll(/\/[\w./-]+\/(?=\w+\.(?:cc|h|cpp):\d+)/g, '').trim();
}
