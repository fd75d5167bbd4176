/** What a tensor is, told from its name in the checkpoint. */
import { quote } from '../models/lora.ts';

/** Whether a tensor's name matches one of the patterns; `*` stands for anything. */
export function matches(name: string, patterns: readonly string[]): boolean {
  return patterns.some((pattern) => new RegExp(`^${pattern.split('*').map(quote).join('.*')}$`).test(name));
}

/** Scales of a layer norm or an RMS norm; they start at one. */
export const isNorm = (name: string): boolean => /(norm\d?|ln_q)\.weight$/.test(name);

export const isBias = (name: string): boolean => name.endsWith('.bias');

export const isEmbedding = (name: string): boolean => name.endsWith('embed_tokens.weight');
