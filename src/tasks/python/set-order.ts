/** The order in which CPython iterates over a set of small integers: the order of Video-MME's subtitle lines in the reference. */

const NEIGHBOURS = 9; // slots looked at after the first before jumping
const LARGE = 50_000; // entries from which a table grows twofold instead of fourfold

/** `list(set(values))` for integers from 0, by CPython's open addressing (Objects/setobject.c, 3.7 and later). */
export function setOrder(values: Iterable<number>): number[] {
  let table: (number | undefined)[] = Array(8).fill(undefined);
  let count = 0;
  for (const value of values) {
    const slot = find(table, value);
    if (table[slot] === value) continue;
    table[slot] = value;
    count++;
    if (5 * count >= 3 * (table.length - 1)) table = grown(table, count > LARGE ? 2 * count : 4 * count);
  }
  return table.filter((value) => value !== undefined);
}

/** The slot that holds the value, or the free one where it goes. */
function find(table: readonly (number | undefined)[], value: number): number {
  const mask = table.length - 1; // the length is a power of two
  let i = value % table.length;
  for (let perturb = value; ; i = (5 * i + 1 + perturb) % table.length) {
    const last = i + NEIGHBOURS <= mask ? i + NEIGHBOURS : i;
    for (let slot = i; slot <= last; slot++) if (table[slot] === undefined || table[slot] === value) return slot;
    perturb = Math.floor(perturb / 32);
  }
}

function grown(table: readonly (number | undefined)[], wanted: number): (number | undefined)[] {
  let size = 8;
  while (size <= wanted) size *= 2;
  const larger: (number | undefined)[] = Array(size).fill(undefined);
  for (const value of table) if (value !== undefined) larger[find(larger, value)] = value;
  return larger;
}
