/** Rows as they shouldn't be: one error that names the row and the column. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StaveError } from '../../src/errors.ts';
import { benchmark, benchmarkNames } from '../../src/tasks/benchmarks.ts';
import { readAnnotations } from '../../src/tasks/ssv2/annotations.ts';
import { actionRecord } from '../../src/tasks/ssv2/record.ts';
import { vsmRecord } from '../../src/tasks/ssv2/vsm-build.ts';
import { collectCaptions } from '../../src/tasks/webvid/captions.ts';

const good: Record<string, object> = {
  vitatecs: { src_dataset: 'VATEX', video_name: 'x.mp4', caption: 'A man runs.', counterfactual: 'A man walks.', aspect: 'Type' },
  mvbench: { video: 'a/x.mp4', question: 'What?', candidates: ['yes', 'no'], answer: 'no' },
  videomme: { duration: 'short', domain: 'Knowledge', sub_category: 'Law', task_type: 'OCR Problems', videoID: 'v', question_id: '001-1', question: 'What?', options: ['A. x', 'B. y'], answer: 'B' },
  ssv2_t10: actionRecord({ id: '1', template: 'Picking [something] up' }),
  ssv2_vsm: vsmRecord({ id: '1', template: 'x', context_examples: [{ id: '2', template: 'x' }, { id: '3', template: 'y' }], is_positive: true }),
  ssv2_174: actionRecord({ id: '1', template: 'Opening something' }),
  motion10: { id: 'c-action', video: 'c.mp4', kind: 'action', question: 'What?', answer: 'The action happening in this video is: [Something] rising' },
};
good.videomme_w_subtitle = good.videomme;

/** @param words that the error must hold */
function refuses(run: () => unknown, ...words: string[]): void {
  assert.throws(run, (error: unknown) => {
    assert.ok(error instanceof StaveError, String(error));
    assert.equal(error.code, 'DATA');
    assert.ok(error.fix);
    for (const word of words) assert.ok(error.what.includes(word), `${error.what} lacks ${word}`);
    return true;
  });
}

for (const name of benchmarkNames)
  test(`${name}: a good row is read, a row without a column is refused by row and column`, () => {
    const [task] = benchmark(name);
    const row = good[name];
    assert.equal(task.read([row]).length, 1);
    for (const bad of [null, 7, 'text', []]) refuses(() => task.read([row, bad]), name, 'row 1');
    if (Array.isArray(row)) return refuses(() => task.read([row, row]), 'row 1', '"turns"');
    for (const column of Object.keys(row)) {
      refuses(() => task.read([row, { ...row, question_id: '2', [column]: undefined }]), 'row 1', `"${column}"`);
      refuses(() => task.read([{ ...row, [column]: 5 }]), 'row 0', `"${column}"`, '5');
      const { [column as never]: _, ...without } = row;
      refuses(() => task.read([without]), 'row 0', `"${column}" is missing`);
    }
  });

test('what columns hold is checked', () => {
  const read = (name: string, change: object) => () => benchmark(name)[0].read([{ ...good[name], ...change }]);
  refuses(read('mvbench', { answer: 'maybe' }), '"answer"', 'maybe');
  refuses(read('mvbench', { candidates: [] }), '"candidates"');
  refuses(read('mvbench', { candidates: Array(27).fill('no') }), '"candidates"');
  refuses(read('motion10', { answer: 'Jumping' }), '"answer"', 'Jumping');
  refuses(read('videomme', { answer: 'C' }), '"answer"', '"C"');
  refuses(read('videomme', { domain: 'Cooking' }), '"domain"', 'Cooking');
  refuses(read('vitatecs', { aspect: 'type' }), '"aspect"');
  for (const path of ['../x.mp4', '/etc/x.mp4', '', 'a/../x.mp4', 'a\\x.mp4', 'a//x.mp4', 'x\0.mp4']) refuses(read('vitatecs', { video_name: path }), '"video_name"');
  refuses(() => benchmark('videomme')[0].read([good.videomme, good.videomme]), 'row 1', '"question_id"');
  refuses(() => benchmark('ssv2_174')[0].read([actionRecord({ id: '1', template: 'Flying' })]), 'row 0', 'Flying');
  refuses(() => benchmark('ssv2_vsm')[0].read([good.ssv2_t10]), 'row 0');
  const long = { ...good.vitatecs, src_dataset: 'x'.repeat(5000) };
  assert.throws(() => benchmark('vitatecs')[0].read([long]), (error: StaveError) => error.what.length < 200);
});

test('label files and caption files are checked too', () => {
  const annotation = { id: '1', label: 'x', template: 'Picking [something] up', placeholders: ['x'] };
  refuses(() => readAnnotations([annotation, annotation]), 'labels/train.json', 'row 1', '"id"');
  refuses(() => readAnnotations([{ ...annotation, template: undefined }]), 'row 0', '"template"');
  refuses(() => collectCaptions({ 'a.csv': 'videoid,contentUrl,duration,page_dir,name\n1,u,d,p,n\n2,u,d\n' }), 'a.csv', 'row 1', '"page_dir"');
  refuses(() => collectCaptions({ 'a.csv': 'id,name\n1,n\n' }), 'row 0', '"videoid"');
});

test('a benchmark that there is not is named with those that there are', () => {
  assert.throws(() => benchmark('mmlu'), { code: 'USAGE', message: /mmlu[^]*mvbench/ });
  assert.deepEqual(benchmark('mvbench_action_count').map(({ name }) => name), ['mvbench_action_count']);
  assert.equal(benchmark('mvbench').length, 20);
});
