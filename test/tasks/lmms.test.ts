import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { benchmark, benchmarkNames } from '../../src/tasks/benchmarks.ts';
import { cutAnswer } from '../../src/tasks/lmms/answer.ts';
import { isShown, promptText } from '../../src/tasks/lmms/messages.ts';
import { modelFolder, resultPaths, resultsFile, sampleLine } from '../../src/tasks/lmms/result-files.ts';
import { lmmsGenerate } from '../../src/tasks/lmms/settings.ts';
import type { Verdict } from '../../src/tasks/task.ts';

const verdict = (score: 0 | 1): Verdict => ({ score, counted: true, chosen: '', record: { score } });
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

test('an answer ends at the first stop string; one that begins with a blank line is lost on paper alone', () => {
  assert.equal(cutAnswer(' A \n\nbecause', ['\n\n']), 'A');
  assert.equal(cutAnswer('a#b\n\nc', ['\n\n', '#', '']), 'a');
  assert.deepEqual([cutAnswer('\n\nA', ['\n\n']), cutAnswer('\n\nA', ['\n\n'], 'strict')], ['', 'A']);
});

test('which files are shown, and what a prompt loses', () => {
  assert.deepEqual(['x.mp4', 'x.MP4', 'x.webm', 'mp4'].map((path) => isShown(path)), [true, false, false, false]);
  assert.ok(isShown('x.webm', 'strict'));
  assert.equal(promptText('a <image>b<image> <video>'), 'a b <video>');
});

test('every benchmark has settings and a result that says the protocol; lmms-eval and the strict protocols are greedy', () => {
  for (const name of benchmarkNames)
    for (const protocol of ['paper', 'strict'] as const)
      for (const task of benchmark(name, protocol)) {
        assert.equal(task.settings.generation.do_sample, protocol === 'paper' && name.startsWith('ssv2') ? undefined : false);
        assert.equal(lmmsGenerate(task.settings).do_sample, false);
        assert.equal(task.result([{ ...verdict(1), categories: { duration: 'short', domain: 'Knowledge', sub_category: 'Law', task_type: 'OCR Problems' } }]).protocol, protocol);
        const { pixels } = task.settings;
        assert.ok(name === 'motion10' ? pixels === undefined : pixels!.min_pixels < pixels!.max_pixels);
      }
});

test('result files: names, hashes, groups', () => {
  assert.equal(modelFolder('Qwen/Qwen2-VL-2B-Instruct'), 'Qwen__Qwen2-VL-2B-Instruct');
  assert.equal(modelFolder('/home/x/saves/final'), 'saves__final');
  const [task] = benchmark('mvbench_action_count');
  const doc = { video: 'x.mp4', question: 'Q', candidates: ['1', '2'], answer: '2', image: 'dropped' };
  const answered = { prompt: 'P', target: '2', answer: 'B', verdict: verdict(1) };
  const line = sampleLine(task, 3, doc, answered);
  assert.deepEqual([line.prompt_hash, line.target_hash, line.doc_hash], [sha256('P'), sha256('2'), sha256(JSON.stringify(doc, null, 2))]);
  assert.equal('image' in (line.doc as object), false);
  assert.deepEqual(line.arguments, { max_new_tokens: 16, temperature: 0, top_p: 1, num_beams: 1, do_sample: false });
  assert.equal(sampleLine(task, 3, doc, answered, { reference: true }).doc_hash, sha256('null'));
  const results = [task.result([verdict(1), verdict(0)]), benchmark('videomme')[0].result([])];
  assert.deepEqual(resultPaths({ model: 'a/b', date: '20250102_030405', results }), ['a__b/20250102_030405_results.json', 'a__b/20250102_030405_samples_mvbench_action_count.jsonl', 'a__b/20250102_030405_samples_videomme.jsonl']);
  const file = resultsFile({ model: 'a/b', date: '', results, groups: { mvbench_action_count: 'mvbench' }, samples: { mvbench_action_count: [line] } });
  assert.deepEqual(file.results, {
    mvbench: { ' ': ' ', alias: 'mvbench' },
    mvbench_action_count: { alias: ' - mvbench_action_count', 'mvbench_accuracy,none': 50, 'mvbench_accuracy_stderr,none': 'N/A' },
    videomme: { alias: 'videomme', 'videomme_perception_score,none': 0, 'videomme_perception_score_stderr,none': 'N/A' },
  });
  assert.deepEqual(file.group_subtasks, { mvbench: ['mvbench_action_count'], videomme: [] });
  assert.deepEqual(file.configs, { mvbench_action_count: { protocol: 'paper' }, videomme: { protocol: 'paper' } });
  assert.deepEqual(file.task_hashes, { mvbench_action_count: sha256(line.doc_hash + line.prompt_hash + line.target_hash) });
});
