/** Holds the import rule: a folder imports itself, errors.ts and what is listed here. Run by `npm run check`. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

const everything = ['files', 'pages', 'graph', 'weights', 'video', 'text', 'nn', 'models', 'hub', 'runtime', 'generate', 'clips', 'tasks', 'data', 'checkpoints', 'train', 'eval', 'viz', 'serve'];
const may: Record<string, string[]> = {
  files: ['node:'],
  pages: [],
  graph: ['@bufbuild/protobuf'],
  weights: ['node:', 'files'],
  video: ['node:', 'node-av'],
  text: ['@huggingface/tokenizers', '@huggingface/jinja'],
  nn: ['graph'],
  models: ['node:', 'graph', 'nn', 'weights', 'video', 'text'],
  hub: ['node:', 'files', 'weights', 'models'],
  runtime: ['node:', 'graph', 'weights', 'onnxruntime-node', 'onnxruntime-common'],
  generate: ['node:', 'files', 'graph', 'models', 'hub', 'weights', 'checkpoints', 'runtime', 'video', 'text'],
  clips: [],
  tasks: ['node:', 'files', 'video', 'text', 'clips'],
  data: ['node:', 'files', 'models', 'generate', 'tasks', 'video', 'text'],
  checkpoints: ['node:', 'files', 'graph', 'models', 'runtime', 'weights', 'clips'],
  train: ['node:', 'files', 'pages', 'hub', 'graph', 'nn', 'models', 'runtime', 'weights', 'generate', 'data', 'checkpoints', 'tasks', 'clips', 'video', 'text', '@bufbuild/protobuf'],
  eval: ['node:', 'files', 'pages', 'hub', 'generate', 'tasks', 'clips', 'video', 'hyparquet', 'tar', 'yauzl'],
  viz: ['node:', 'graph', 'models', 'runtime', 'generate'],
  serve: ['node:', 'generate', 'viz'],
  cli: ['node:', ...everything],
};

const problems: string[] = [];
const imports = new Map<string, string[]>();
for (const file of readdirSync('src', { recursive: true, encoding: 'utf8' }).filter((f) => f.endsWith('.ts') && !f.endsWith('.d.ts'))) {
  const folder = file.includes('/') ? file.split('/')[0] : '';
  const text = readFileSync(join('src', file), 'utf8');
  const targets = [...text.matchAll(/^(?:import|export)\s[^;]*?from '([^']+)'|^import '([^']+)'|\bimport\('([^']+)'\)/gm)].map((m) => m[1] ?? m[2] ?? m[3]);
  const local: string[] = [];
  for (const target of targets) {
    if (target.startsWith('.')) {
      const path = relative('src', join('src', dirname(file), target));
      local.push(path);
      if (path === 'errors.ts' || path.startsWith(`${folder}/`) || (folder === '' && !path.startsWith('cli/'))) continue;
      if (folder !== '' && !may[folder]?.includes(path.split('/')[0])) problems.push(`src/${file} imports ${path}: ${folder}/ may not`);
    } else if (folder !== '' && !may[folder]?.some((m) => target === m || target.startsWith(m.endsWith(':') ? m : `${m}/`))) {
      problems.push(`src/${file} imports ${target}: ${folder || 'src'}/ may not`);
    }
  }
  imports.set(file, local);
}

const done = new Set<string>();
function visit(file: string, path: string[]): void {
  if (path.includes(file)) problems.push(`import cycle: ${[...path.slice(path.indexOf(file)), file].join(' → ')}`);
  if (done.has(file) || path.includes(file)) return;
  for (const next of imports.get(file) ?? []) visit(next, [...path, file]);
  done.add(file);
}
for (const file of imports.keys()) visit(file, []);

if (problems.length > 0) {
  console.error(problems.join('\n'));
  process.exit(1);
}
console.log(`layers: ${imports.size} files, imports only downwards`);
