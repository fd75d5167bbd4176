/** How fast a tensor is trained and how much it decays: the one place that says so. */
import { StaveError } from '../errors.ts';
import type { Fields } from '../models/fields.ts';
import { isBias, isEmbedding, isNorm, matches } from './tensor-names.ts';

/** Which trained tensors decay: `all`, as torch does for one group of parameters; `trainer`: all but biases and norms, as transformers' Trainer; `matrices`: of these no embedding either. */
export const decayRules = ['all', 'trainer', 'matrices'] as const;
export type DecayRule = (typeof decayRules)[number];

/** Tensors with a rate or a decay of their own, as a parameter group of torch has. Of several groups the first that has a tensor counts. */
export type TensorGroup = {
  /** Patterns of names (`*` = anything). */
  tensors: string[];
  /** Peak; absent: the optimizer's. */
  lr?: number;
  /** Of those that decay at all; absent: the optimizer's. */
  weight_decay?: number;
};

export type GroupSettings = { lr: number; weight_decay: number; decay: DecayRule; groups?: TensorGroup[] };

/** Peak learning rate and weight decay of a tensor; 0: it does not decay. */
export type TensorRates = { lr: number; weight_decay: number };

export function ratesOf(name: string, { lr, weight_decay, decay, groups = [] }: GroupSettings): TensorRates {
  const group = groups.find(({ tensors }) => matches(name, tensors));
  return { lr: group?.lr ?? lr, weight_decay: decays(name, decay) ? (group?.weight_decay ?? weight_decay) : 0 };
}

function decays(name: string, rule: DecayRule): boolean {
  if (rule === 'all') return true;
  return !isBias(name) && !isNorm(name) && (rule === 'trainer' || !isEmbedding(name));
}

/** @param lr the optimizer's, of which a group's rate is a part at every step  @throws RECIPE */
export function parseGroup(fields: Fields, lr: number): TensorGroup {
  const group: TensorGroup = {
    tensors: fields.list('tensors', (v): v is string => typeof v === 'string' && v !== '', 'patterns of tensor names, for example "visual.blocks.*.temp_attn.*"'),
    ...(fields.has('lr') && { lr: fields.number('lr', undefined, { min: 0 }) }),
    ...(fields.has('weight_decay') && { weight_decay: fields.number('weight_decay', undefined, { min: 0 }) }),
  };
  if (group.lr !== undefined && lr === 0) fields.objectTo('lr', 'it follows the schedule of optimizer.lr, which is 0', 'give optimizer.lr a number over 0; to leave tensors as they are, leave them out of trainable');
  if (group.lr === undefined && group.weight_decay === undefined) fields.objectTo('tensors', 'the group has no rate and no decay of its own', 'give it lr or weight_decay, or leave it out');
  fields.done();
  return group;
}

/** @param trained names of all tensors that are trained  @throws RECIPE for a group that has none of them, or a pattern that none matches */
export function checkGroups(groups: readonly TensorGroup[], trained: readonly string[]): void {
  for (const [i, { tensors }] of groups.entries()) {
    const fitting = trained.filter((name) => matches(name, tensors));
    const idle = tensors.findIndex((pattern) => !trained.some((name) => matches(name, [pattern])));
    if (fitting.length > 0 && idle >= 0) {
      throw new StaveError('RECIPE', { what: `optimizer.groups[${i}].tensors[${idle}] is "${tensors[idle]}"`, why: 'no tensor that is trained matches', fix: `leave it out; the trained tensors have names like ${trained.slice(0, 3).join(', ')}` });
    }
    if (fitting.some((name) => !groups.slice(0, i).some((before) => matches(name, before.tensors)))) continue;
    throw new StaveError('RECIPE', {
      what: `optimizer.groups[${i}].tensors is ${JSON.stringify(tensors)}`,
      why: fitting.length === 0 ? 'no tensor that is trained matches' : 'all that match are in a group before it',
      fix: fitting.length === 0 ? `the trained tensors have names like ${trained.slice(0, 3).join(', ')}` : 'put it before that group, or leave it out',
    });
  }
}
