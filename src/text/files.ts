import { StaveError } from '../errors.ts';

/** Reads a text file of a checkpoint by its name, undefined when there is none: from a directory, over HTTP or from memory. */
export type ReadText = (name: string) => Promise<string | undefined>;

/** A JSON file of the tokenizer, undefined when it does not exist. @throws TOKENIZER when it is not a JSON object */
export async function readJson(read: ReadText, name: string): Promise<Record<string, unknown> | undefined> {
  const text = await read(name);
  if (text === undefined) return undefined;
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new StaveError('TOKENIZER', { what: `${name} is not valid JSON`, why: String(cause), fix: 'download the file again', cause });
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json)) throw new StaveError('TOKENIZER', { what: `${name} does not hold a JSON object`, fix: 'download the file again' });
  return json as Record<string, unknown>;
}
