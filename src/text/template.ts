import { Environment, Interpreter, parse, tokenize } from '@huggingface/jinja';
import { StaveError } from '../errors.ts';
import { readJson, type ReadText } from './files.ts';
import type { Message } from './message.ts';

/** What a template may use up. A template comes with a checkpoint, that is from a stranger. */
const limits = {
  /** Characters of the template. */
  source: 256 * 1024,
  /** Characters of what it writes, and of any text it makes on the way. */
  output: 4 * 1024 * 1024,
  /** What one rendering may cost: 1 for each node of the template that is evaluated, 1 for each entry of a list and each 64 characters of a text that comes out of it. */
  cost: 500_000,
  /** Entries of a list. */
  list: 100_000,
};

export type RenderOptions = {
  /** End with the beginning of the assistant's turn. */
  addGenerationPrompt?: boolean;
  /** "Picture 1: ", "Video 1: " before each, as the template words it. */
  addVisionId?: boolean;
};

/** A checkpoint's chat template (Jinja): messages → the text of the prompt. */
export class ChatTemplate {
  readonly source: string;
  readonly #program: ReturnType<typeof parse>;
  readonly #constants: Record<string, unknown>;

  /** @param constants further names the template may use: bos_token, eos_token, …  @throws TOKENIZER when it is too long or no Jinja */
  constructor(source: string, constants: Record<string, unknown> = {}) {
    if (source.length > limits.source) throw new StaveError('TOKENIZER', { what: `the chat template has ${source.length} characters`, why: `at most ${limits.source} are read`, fix: 'copy the template from the model the checkpoint was trained from' });
    this.source = source;
    this.#constants = constants;
    this.#program = guarded('the chat template is not valid Jinja', () => parse(tokenize(source, { lstrip_blocks: true, trim_blocks: true })));
  }

  /** What transformers' apply_chat_template gives with tokenize=False. Special tokens in a message's text are not told from the template's own: see encodeConversation.
   * @throws TOKENIZER when the template refuses the messages or uses more than the limits */
  render(messages: readonly Message[], { addGenerationPrompt = false, addVisionId = false }: RenderOptions = {}): string {
    return guarded('the chat template cannot render the messages', () => {
      const environment = new Environment();
      const names = { ...globals, ...this.#constants, messages, add_generation_prompt: addGenerationPrompt, add_vision_id: addVisionId };
      for (const [name, value] of Object.entries(names)) environment.set(name, value);
      return String(interpreter(environment).run(this.#program).value);
    });
  }
}

/** Reads the template from chat_template.jinja, chat_template.json or tokenizer_config.json, the first there is. @throws TOKENIZER */
export async function loadChatTemplate(read: ReadText): Promise<ChatTemplate> {
  const config = (await readJson(read, 'tokenizer_config.json')) ?? {};
  const source = (await read('chat_template.jinja')) ?? pick((await readJson(read, 'chat_template.json'))?.chat_template) ?? pick(config.chat_template);
  if (source === undefined)
    throw new StaveError('TOKENIZER', {
      what: 'the checkpoint has no chat template',
      why: 'there is none in chat_template.jinja, chat_template.json or tokenizer_config.json',
      fix: 'copy chat_template.json from the model it was trained from',
    });
  const tokens = ['bos_token', 'eos_token', 'pad_token', 'unk_token'].map((name) => [name, content(config[name])] as const);
  return new ChatTemplate(source, Object.fromEntries(tokens.filter(([, token]) => token !== undefined)));
}

/** A template is a string, or one of a list with names, of which "default" is meant. */
function pick(value: unknown): string | undefined {
  if (value === undefined || value === null || typeof value === 'string') return value ?? undefined;
  const named: unknown[] = Array.isArray(value) ? value : [];
  const found = named.find((entry) => (entry as { name?: unknown } | null)?.name === 'default') as { template?: unknown } | undefined;
  if (typeof found?.template === 'string') return found.template;
  throw new StaveError('TOKENIZER', { what: 'chat_template is neither a string nor a list with a "default" template', fix: 'save the template as chat_template.jinja' });
}

/** A special token of tokenizer_config.json: a string or an object with its content. */
function content(token: unknown): string | undefined {
  if (typeof token === 'string') return token;
  const text = (token as { content?: unknown } | null | undefined)?.content;
  return typeof text === 'string' ? text : undefined;
}

const globals = {
  true: true,
  false: false,
  none: null,
  True: true,
  False: false,
  None: null,
  raise_exception(message: unknown): never {
    throw new Error(String(message));
  },
  range(start: number, stop?: number, step = 1): number[] {
    const [from, to] = stop === undefined ? [0, start] : [start, stop];
    const length = Math.max(0, Math.ceil((to - from) / step));
    if (!(length <= limits.list)) throw new Error(`range() would list ${length} numbers, at most ${limits.list} are allowed`);
    return Array.from({ length }, (_, i) => from + i * step);
  },
};

/** What stave uses of the library's interpreter; its own declarations do not resolve under nodenext. Every node of a template is evaluated through `evaluate`. */
type Engine = { evaluate(node: unknown, environment: unknown): { value: unknown }; run(program: unknown): { value: unknown } };

/** An interpreter that counts what it evaluates and measures every text and list that comes out of it. */
function interpreter(environment: Environment): Engine {
  const engine: Engine = new Interpreter(environment);
  const evaluate = engine.evaluate.bind(engine);
  let cost = 0;
  engine.evaluate = (node, scope) => {
    const result = evaluate(node, scope);
    const list = Array.isArray(result.value) ? result.value.length : 0;
    const text = typeof result.value === 'string' ? result.value.length : 0;
    if (list > limits.list) throw new Error(`a list of more than ${limits.list} entries`);
    if (text > limits.output) throw new Error(`a text of more than ${limits.output} characters`);
    cost += 1 + list + text / 64;
    if (cost > limits.cost) throw new Error(`it takes more than ${limits.cost} steps`);
    return result;
  };
  return engine;
}

function guarded<T>(what: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    throw new StaveError('TOKENIZER', { what, why: cause instanceof Error ? cause.message : String(cause), fix: 'check the messages against the chat template of the checkpoint', cause });
  }
}
