/** One of two values, whichever a condition says when the graph runs. */
import { refuse, type Rules } from './rule.ts';

export const choice = {
  If: {
    shape: (inputs, { shape }) => {
      const [condition, a, b] = inputs;
      if (condition.dtype !== 'bool' || condition.shape.length > 0) throw refuse('If', inputs, 'the condition must be one bool');
      if (a.dtype !== b.dtype) throw refuse('If', inputs, 'both must have one dtype');
      const fits = [a, b].every((x) => x.shape.length === shape.length && x.shape.every((d, i) => typeof d === 'string' || typeof shape[i] === 'string' || d === shape[i]));
      if (!fits) throw refuse('If', inputs, `[${shape.join(', ')}] cannot be the shape of both`);
      return [{ dtype: a.dtype, shape }];
    },
    grad: 'none',
  },
} satisfies Partial<Rules>;
