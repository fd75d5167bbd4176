/** How far two distributions over the next token are apart, from their logits: KL(a ‖ b) in nats, and whether both have the same likeliest token. */
export function divergence(a: Float32Array, b: Float32Array): { kl: number; same: boolean } {
  const [sureA, sureB] = [logSum(a), logSum(b)];
  let kl = 0;
  for (let i = 0; i < a.length; i++) {
    const p = a[i] - sureA; // log p
    kl += Math.exp(p) * (p - (b[i] - sureB));
  }
  return { kl: Math.max(0, kl), same: likeliest(a) === likeliest(b) };
}

/** log Σ exp */
function logSum(x: Float32Array): number {
  const most = x.reduce((a, b) => Math.max(a, b), -Infinity);
  return most + Math.log(x.reduce((sum, v) => sum + Math.exp(v - most), 0));
}

const likeliest = (x: Float32Array): number => x.reduce((best, v, i) => (v > x[best] ? i : best), 0);
