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
