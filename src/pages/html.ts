/** HTML from template literals. Whatever is put in is text and is escaped, but what was made by `html` itself. */

/** Markup that may stand in a page as it is. */
export class Html {
  readonly markup: string;
  constructor(markup: string) {
    this.markup = markup;
  }
}

type Part = Html | string | number | undefined | false | null | readonly Part[];

/** Markup with values in it: texts and numbers escaped, also for attributes in quotes; undefined, null and false leave nothing; lists are joined. */
export function html(strings: TemplateStringsArray, ...values: Part[]): Html {
  return new Html(strings.map((text, i) => text + (i < values.length ? markupOf(values[i]) : '')).join(''));
}

function markupOf(part: Part): string {
  if (part instanceof Html) return part.markup;
  if (part === undefined || part === false || part === null) return '';
  return typeof part === 'object' ? part.map(markupOf).join('') : escape(String(part));
}

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/** Text that can't become markup, inside elements and inside quoted attributes. Half characters and characters that no page may hold are replaced. */
export function escape(text: string): string {
  // eslint-disable-next-line no-control-regex -- it is them that are replaced
  return text.toWellFormed().replaceAll(/[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff]/g, '\ufffd').replaceAll(/[&<>"']/g, (character) => entities[character]);
}
