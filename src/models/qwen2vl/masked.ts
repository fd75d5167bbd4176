/** What attention_bias and the windows' bias add to the score of a key that must not be seen: far below every score, and far from overflow in float32. */
export const MASKED = -1e9;
