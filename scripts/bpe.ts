/** Byte-level byte pair encoding, trained: small and deterministic. Sennrich et al., arXiv:1508.07909; bytes as in GPT-2. */
import { byteCharacters } from '../src/text/stream-decoder.ts';

/** Learns up to `merges` merges from pieces of text (each with its count); pairs seen fewer than `least` times are left alone.
 * The commonest pair goes first; of equally common ones the first in code point order. */
export function trainMerges(pieces: ReadonlyMap<string, number>, merges: number, least: number): [string, string][] {
  const characters = byteCharacters();
  const words = [...pieces].map(([piece, count]) => ({ count, parts: [...new TextEncoder().encode(piece)].map((b) => characters[b]) }));
  const learnt: [string, string][] = [];
  while (learnt.length < merges) {
    const counts = new Map<string, number>();
    for (const { parts, count } of words)
      for (let i = 1; i < parts.length; i++) {
        const pair = `${parts[i - 1]} ${parts[i]}`;
        counts.set(pair, (counts.get(pair) ?? 0) + count);
      }
    let best = '';
    for (const [pair, count] of counts) {
      const top = counts.get(best) ?? 0;
      if (count >= least && (count > top || (count === top && pair < best))) best = pair;
    }
    if (best === '') break;
    const [a, b] = best.split(' ');
    learnt.push([a, b]);
    for (const word of words)
      for (let i = 1; i < word.parts.length; i++) if (word.parts[i - 1] === a && word.parts[i] === b) word.parts.splice(i - 1, 2, a + b);
  }
  return learnt;
}
