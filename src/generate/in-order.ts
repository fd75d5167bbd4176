import { Turn } from './reuse/turn.ts';

/** Works on up to `most` items at a time; results in the order of the items. In the end no work is under way.
 * @param stop ends the work when an item or a work throws, or the loop over the results is left  @throws what they throw, a work's when its turn has come */
export async function* inOrder<T, R>(items: Iterable<T> | AsyncIterable<T>, most: number, work: (item: T) => Promise<R>, stop: AbortController): AsyncGenerator<R, void> {
  const underWay: Promise<R>[] = [];
  try {
    for await (const item of items) {
      const result = work(item);
      result.catch(() => {}); // told when its turn comes
      underWay.push(result);
      if (underWay.length >= most) yield await underWay.shift()!;
    }
    while (underWay.length > 0) yield await underWay.shift()!;
  } finally {
    stop.abort();
    await Promise.allSettled(underWay);
  }
}

/** The same for work of which a part must not begin before the one before is dealt with. @param work its `turn` comes when the caller has taken the result before, done with it what it will, and
 * asks for the next; rejects when the work is ended  @throws as inOrder() */
export async function* byTurns<T, R>(items: Iterable<T> | AsyncIterable<T>, most: number, work: (item: T, turn: Promise<unknown>) => Promise<R>, stop: AbortController): AsyncGenerator<R, void> {
  const turns = new Turn();
  const taking = async (item: T): Promise<[R, () => void]> => {
    const turn = turns.take(stop.signal);
    turn.catch(() => {}); // told by what waits for it
    return [await work(item, turn), await turn];
  };
  for await (const [result, done] of inOrder(items, most, taking, stop)) {
    yield result;
    done();
  }
}
