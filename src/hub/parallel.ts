/** One connection does not fill a line, and the Hub counts requests. */
const WIDTH = 4;

/** Does `work` for each item, a few at a time; results in the order of the items. When one fails the rest is stopped and waited for. generate's inOrder would not do: it waits for the
 * oldest before it begins another, so that behind one large file the other connections had nothing to do, and tells a failure only when its turn has come.
 * @param width how many at a time  @throws what failed first */
export async function inParallel<T, R>(items: readonly T[], work: (item: T, signal: AbortSignal) => Promise<R>, signal?: AbortSignal, width = WIDTH): Promise<R[]> {
  const results: R[] = [];
  const stop = new AbortController();
  const abort = (): void => stop.abort(signal?.reason);
  if (signal?.aborted) abort();
  signal?.addEventListener('abort', abort, { once: true });
  const queue = items.entries();
  const worker = async (): Promise<void> => {
    for (const [i, item] of queue) {
      stop.signal.throwIfAborted();
      results[i] = await work(item, stop.signal);
    }
  };
  try {
    await Promise.all(Array.from({ length: Math.min(width, items.length) }, () => worker().catch((error: unknown) => {
      if (!stop.signal.aborted) stop.abort(error); // the first failure is its reason
    })));
    if (stop.signal.aborted) throw stop.signal.reason;
    return results;
  } finally {
    signal?.removeEventListener('abort', abort);
  }
}
