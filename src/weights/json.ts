/** First key that stands twice in one object, or undefined. JSON.parse keeps the last silently, other readers the first:
 * a file can show each a different tensor. @param text JSON that JSON.parse has accepted: the grammar is taken for granted. */
export function duplicateKey(text: string): string | undefined {
  const open: (Set<string> | null)[] = []; // keys seen in each open object; null for an array
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (c === '{') open.push(new Set());
    else if (c === '[') open.push(null);
    else if (c === '}' || c === ']') open.pop();
    else if (c === '"') {
      const begin = i++;
      while (text[i] !== '"') i += text[i] === '\\' ? 2 : 1;
      let next = i + 1;
      while (text.charCodeAt(next) <= 32) next++;
      if (text[next] !== ':') continue;
      const key: string = JSON.parse(text.slice(begin, i + 1)); // escapes: "a" and "\u0061" are one key
      const keys = open.at(-1)!;
      if (keys.has(key)) return key;
      keys.add(key);
    }
  }
  return undefined;
}
