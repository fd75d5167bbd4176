/** In which pieces a prompt goes through the language model. */

/** Positions of a piece at most: more make the kernels no faster. */
const MOST = 512;

/** Positions of a piece at least, however long the prompt: fewer would leave the kernels idle. */
const LEAST = 64;

/** Bytes that a layer's attention scores may take, which a piece has with all positions before it. */
const SCORES = 256e6;

/** Entries held for each score at the fullest moment: scores, scores and mask, weights. */
const COPIES = 3;

/** How many positions go through the model at once behind `start` others. It follows from the place alone, so that a prompt's beginning is read alike whatever comes after it. */
export function pieceLength(heads: number, start: number): number {
  const fitting = Math.floor(SCORES / (4 * COPIES * heads * (start + MOST)));
  return Math.max(LEAST, Math.min(MOST, Math.floor(fitting / LEAST) * LEAST));
}
