import { StaveError } from '../../errors.ts';
import { machineMemory } from '../machine.ts';

/** Enough for the keys and values of 9,000 positions of Qwen2-VL-2B. */
const USUAL = 512e6;

/** Bytes that are kept for later questions. @throws USAGE */
export function reuseLimit(bytes: number = Math.min(USUAL, machineMemory() / 8)): number {
  if (bytes >= 0) return bytes;
  throw new StaveError('USAGE', { what: `reuse is ${JSON.stringify(bytes)}`, fix: 'give a number of bytes, 0 to keep nothing' });
}
