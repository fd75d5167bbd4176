/** What the commands have in common that make a checkpoint of another one. */
import type { FloatType } from '../checkpoints/index.ts';
import { choice, type Option, type Values } from './command.ts';

export const dtypeOption: Record<string, Option> = {
  dtype: { type: 'string', value: 'TYPE', help: 'of the weights written: F32, F16 or BF16 (default: the base\'s)' },
};

/** @throws USAGE */
export const dtype = (values: Values): FloatType | undefined => choice(values, 'dtype', ['F32', 'F16', 'BF16']);

export const outDir = { name: 'OUT_DIR', help: 'where the new checkpoint goes; must not exist' };
