/** A second language model beside the one in question, which judges or writes: an endpoint, or one that stave runs. */
import { StaveError } from '../errors.ts';
import { endpointJudge, localJudge, storedModel, type Judge } from '../eval/index.ts';
import { threads } from './ask-options.ts';
import { number, string, type Command, type Io, type Values } from './command.ts';

/** The options that go with `--<name> URL|MODEL`. */
export const writerOptions = (name: string): Command['options'] => ({
  [`${name}-model`]: { type: 'string', value: 'NAME', help: 'the model to ask for at the endpoint (default: the one that the protocol names)' },
  [`${name}-key`]: { type: 'string', value: 'VARIABLE', default: 'OPENAI_API_KEY', help: 'the environment variable that holds the endpoint\'s key, if it wants one' },
  [`${name}-concurrency`]: { type: 'string', value: 'N', default: '4', help: 'questions put to the endpoint at once' },
  [`${name}-timeout`]: { type: 'string', value: 'S', default: '60', help: 'seconds that the endpoint has for a reply' },
});

/** @returns undefined where none is given  @throws USAGE for options that only an endpoint has */
export function writerOf(values: Values, name: string, { signal, stderr }: Pick<Io, 'signal' | 'stderr'>): Judge | undefined {
  const given = string(values, name), model = string(values, `${name}-model`);
  if (given !== undefined && /^https?:/i.test(given)) {
    const key = process.env[string(values, `${name}-key`)!] || undefined;
    const timeout = number(values, `${name}-timeout`, { min: 0.001 }), concurrency = number(values, `${name}-concurrency`, { min: 1, max: 1000, integer: true });
    return endpointJudge({ url: given, model, key, timeout, concurrency, called: name, onWait: ({ seconds, why }) => stderr.write(`${name}: ${why}; the next try is in ${Math.ceil(seconds)} s\n`) });
  }
  if (model !== undefined) throw new StaveError('USAGE', { what: `--${name}-model names a model at an endpoint, and --${name} gives no address`, fix: `for example --${name} http://localhost:8000/v1 --${name}-model NAME` });
  return given === undefined ? undefined : localJudge(storedModel(given, { threads: threads(values), signal }));
}
