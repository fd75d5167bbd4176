/** Which linear layers of a model get a low-rank adapter, and of what rank: PEFT's rules (LoraConfig), so that one configuration means the same there and here. */

/** Named as in PEFT's adapter_config.json, but for what stave's recipes call shorter. */
export type LoraConfig = {
  r: number;
  alpha: number;
  /** Chance with which an entry of an adapter's input is dropped in training. */
  dropout: number;
  /** Names of layers or their ends at a dot (`attn.qkv` is no end of `temp_attn.qkv`), or one regular expression for the whole name. */
  targets: string[] | string;
  /** Not these, though they are targets. */
  exclude?: string[] | string;
  /** Other ranks and alphas for some layers: regular expressions for a layer's name or its end at a dot; the first that fits counts. */
  rank_pattern: Record<string, number>;
  alpha_pattern: Record<string, number>;
  /** Scale α/√r in place of α/r (arXiv:2312.03732). */
  rslora?: boolean;
  /** Only layers with these numbers. `layers_pattern` names what is numbered; else it is the first number in a name. */
  layers_to_transform?: number[];
  layers_pattern?: string[];
  /** Parts of the model that are trained whole: names or their ends. None of their layers gets an adapter. */
  modules_to_save: string[];
};

/** A layer with an adapter: A [r, in], B [out, r], W + scale · B A. */
export type LoraLayer = { module: string; in: number; out: number; r: number; alpha: number; scale: number };

/** Names of a layer's matrices, as PEFT has them. */
export const loraA = (module: string): string => `${module}.lora_A.weight`;
export const loraB = (module: string): string => `${module}.lora_B.weight`;
export const isLora = (name: string): boolean => /\.lora_[AB]\.weight$/.test(name);

/** Sizes of the linear layers of a model by name. Embeddings and convolutions are none. @param shapes of its tensors */
export function linearLayers(shapes: ReadonlyMap<string, readonly number[]>): Map<string, { in: number; out: number }> {
  const layers = new Map<string, { in: number; out: number }>();
  for (const [name, shape] of shapes)
    if (name.endsWith('.weight') && shape.length === 2 && !name.endsWith('embed_tokens.weight')) layers.set(name.slice(0, -'.weight'.length), { out: shape[0], in: shape[1] });
  return layers;
}

/** The layers with an adapter, in the order of the model. @param nameOf what the configuration calls a layer  @throws SyntaxError for a pattern that {@link pattern} refuses */
export function loraLayers(config: LoraConfig, layers: ReadonlyMap<string, { in: number; out: number }>, nameOf: (module: string) => string = (module) => module): LoraLayer[] {
  const wanted = selector(config);
  const rank = lookUp(config.rank_pattern, config.r), alpha = lookUp(config.alpha_pattern, config.alpha);
  return [...layers].flatMap(([module, size]) => {
    const name = nameOf(module);
    if (!wanted(name)) return [];
    const r = rank(name), a = alpha(name);
    return [{ module, ...size, r, alpha: a, scale: a / (config.rslora ? Math.sqrt(r) : r) }];
  });
}

/** Whether a layer gets an adapter; peft check_target_module_exists. */
function selector({ targets, exclude = [], modules_to_save, layers_to_transform: numbers, layers_pattern = [] }: LoraConfig): (name: string) => boolean {
  const listed = named(targets), excluded = named(exclude);
  const whole = modules_to_save.map((part) => pattern(`(^|.*\\.)${quote(part)}($|\\..*)`));
  const numbered = layers_pattern.length > 0 ? layers_pattern.map((part) => pattern(`.*?\\.${part}\\.(\\d+)\\..*`)) : [pattern('.*?\\.[^.]*\\.(\\d+)\\..*')];
  return (name) => {
    if (excluded(name) || whole.some((part) => part.test(name)) || !listed(name)) return false;
    if (numbers === undefined || typeof targets === 'string') return true;
    const number = numbered.map((part) => part.exec(name)?.[1]).find((found) => found !== undefined);
    return number !== undefined && numbers.includes(Number(number));
  };
}

/** A list holds names or their ends at a dot; a text is a regular expression for the whole name. */
function named(wanted: string[] | string): (name: string) => boolean {
  if (typeof wanted === 'string') {
    const all = pattern(wanted);
    return (name) => all.test(name);
  }
  return (name) => wanted.some((end) => isEnd(name, end));
}

/** Whether a layer is called so: its name, or the end of its name at a dot. */
const isEnd = (name: string, end: string): boolean => name === end || name.endsWith(`.${end}`);

/** A layer's value: that of the first pattern that fits its name or the end of its name at a dot. peft get_pattern_key */
function lookUp(patterns: Record<string, number>, fallback: number): (name: string) => number {
  const table = Object.entries(patterns).map(([key, value]) => [keyPattern(key), value] as const);
  return (name) => table.find(([key]) => key.test(name))?.[1] ?? fallback;
}

/** How a key of rank_pattern and alpha_pattern is read. @throws SyntaxError */
export const keyPattern = (key: string): RegExp => pattern(`(.*\\.)?(${key})`);

/** A regular expression for a whole name. It may come from a stranger's file, and an evil one takes for ever on the first name that does not fit: repeated
 * groups and more than a few repetitions are refused. @throws SyntaxError */
export function pattern(text: string): RegExp {
  const free = text.replace(/\\./g, '').replace(/\[[^\]]*\]/g, 'c');
  if (/\)[*+{]/.test(free) || (free.match(/[*+{]/g) ?? []).length > 4) throw new SyntaxError(`Invalid regular expression: /${text}/: repeated groups and more than four repetitions are not supported`);
  return new RegExp(`^(?:${text})$`);
}

/** A text as a regular expression that fits it alone. */
export const quote = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
