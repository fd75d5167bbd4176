/** In which line of a JSON text each of its values stands. */

/** Path of every value, such as `stages[1].optimizer.lr`, with the line of its name (in a list: of itself), from 1. @param text valid JSON */
export function jsonLines(text: string): Map<string, number> {
  const lines = new Map<string, number>();
  const token = /\s*("(?:[^"\\]|\\.)*"|[[\]{},:]|[^\s[\]{},:"]+)/y;
  let line = 1;
  const next = (): string => {
    const [all, found] = token.exec(text)!;
    line += all.split('\n').length - 1;
    return found;
  };
  /** Reads a value that begins with the token `first`. */
  const value = (first: string, path: string): void => {
    if (first === '[') {
      for (let i = 0, entry = next(); entry !== ']'; i++) {
        lines.set(`${path}[${i}]`, line);
        value(entry, `${path}[${i}]`);
        if (next() === ']') break;
        entry = next();
      }
    } else if (first === '{') {
      for (let name = next(); name !== '}'; ) {
        const inner = path === '' ? (JSON.parse(name) as string) : `${path}.${JSON.parse(name) as string}`;
        lines.set(inner, line);
        next(); // the colon
        value(next(), inner);
        if (next() === '}') break;
        name = next();
      }
    }
  };
  value(next(), '');
  return lines;
}
