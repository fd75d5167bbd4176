/** A strict reader of markup: every element closed, every attribute quoted, no stray `<` or `&`. It takes what an XML parser takes, and HTML's style and script as they are. */

export type Element = { tag: string; attributes: Record<string, string>; children: (Element | string)[] };

const entities: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" };

function decoded(text: string): string {
  return text.replaceAll(/&([^;&]*)(;?)/g, (_, name: string, end: string) => {
    if (end === '' || !Object.hasOwn(entities, name)) throw new Error(`"&${name}" is no entity`);
    return entities[name];
  });
}

/** @throws Error naming what is not well formed */
export function parse(markup: string): Element {
  const root: Element = { tag: '', attributes: {}, children: [] };
  const open = [root];
  const source = markup.replace(/^<!DOCTYPE html>\n/, '');
  const tokens = /<(\/?)([a-z][a-z0-9-]*)((?:\s+[a-zA-Z][\w-]*="[^"<]*")*)\s*(\/?)>|[^<]+|</g;
  for (let match = tokens.exec(source); match !== null; match = tokens.exec(source)) {
    const [whole, closes, tag, attributes, empty] = match;
    if (tag === undefined) {
      if (whole === '<') throw new Error(`a stray "<" before ${JSON.stringify(source.slice(match.index, match.index + 60))}`);
      open.at(-1)!.children.push(decoded(whole));
    } else if (closes) {
      if (open.pop()!.tag !== tag) throw new Error(`</${tag}> closes something else`);
    } else {
      const element: Element = { tag, attributes: Object.fromEntries(Array.from(attributes.matchAll(/([\w-]+)="([^"]*)"/g), ([, name, value]) => [name, decoded(value)])), children: [] };
      open.at(-1)!.children.push(element);
      if (empty) continue;
      open.push(element);
      if (tag !== 'style' && tag !== 'script') continue;
      const end = source.indexOf(`</${tag}>`, tokens.lastIndex);
      element.children.push(source.slice(tokens.lastIndex, end));
      tokens.lastIndex = end;
    }
  }
  if (open.length !== 1) throw new Error(`<${open.at(-1)!.tag}> is not closed`);
  return root;
}

export const textOf = (element: Element): string => element.children.map((child) => (typeof child === 'string' ? child : textOf(child))).join('');

/** All elements below, in their order. */
export function all(element: Element, tag?: string): Element[] {
  return element.children.flatMap((child) => (typeof child === 'string' ? [] : [...(tag === undefined || child.tag === tag ? [child] : []), ...all(child, tag)]));
}
