/** Holds the relative links of the documentation: each leads to a file or folder that is there, and `#name` to a heading in it. Run by `npm run check`. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';

const pages = [...readdirSync('.').filter((name) => name.endsWith('.md')), ...readdirSync('docs', { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.md')).map((name) => join('docs', name))];

const fenced = /^(```|~~~)[^]*?^\1/gm;
const inline = /`[^`\n]*`/g;
const link = /\]\(\s*<?([^)\s>]+)>?(?:\s+"[^"]*")?\s*\)/g;

/** The anchors of a page, as GitHub makes them of its headings: lower case, punctuation dropped, spaces to hyphens, repeats numbered. */
function anchors(text: string): Set<string> {
  const found = new Set<string>();
  for (const [, title] of text.replace(fenced, '').matchAll(/^#{1,6} +(.+?) *#*$/gm)) {
    const name = title.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase().replace(/[^\p{L}\p{N}\p{M}_\- ]/gu, '').replaceAll(' ', '-');
    let unique = name;
    for (let n = 1; found.has(unique); n++) unique = `${name}-${n}`;
    found.add(unique);
  }
  return found;
}

const problems: string[] = [];
let count = 0;
for (const page of pages) {
  const text = readFileSync(page, 'utf8');
  const bare = text.replace(fenced, (block) => block.replace(/[^\n]/g, ' ')).replace(inline, (code) => ' '.repeat(code.length)); // positions stay
  for (const { 1: target, index } of bare.matchAll(link)) {
    if (/^[a-z][a-z+.-]*:/i.test(target)) continue; // another site
    count++;
    const [path, anchor] = decodeURI(target).split('#');
    const file = path === '' ? page : join(dirname(page), path);
    const at = `${page}:${text.slice(0, index).split('\n').length}`;
    if (!existsSync(file)) problems.push(`${at} links to ${target}: there is no ${relative('.', resolve(file))}`);
    else if (anchor && (statSync(file).isDirectory() || !anchors(readFileSync(file, 'utf8')).has(anchor))) problems.push(`${at} links to ${target}: ${file} has no heading "${anchor}"`);
  }
}

if (problems.length > 0) {
  console.error(problems.join('\n'));
  process.exit(1);
}
console.log(`links: ${count} in ${pages.length} pages, all lead somewhere`);
