/** What does temporal attention bring to a model that was made without it? The paper's ablation (arXiv:2510.26027: order in a block × heads as a part of the spatial ones), on Motion-10,
 * against the same training of low-rank adapters alone. docs/ablation.md says what is compared. */
import { Progress } from '../src/cli/progress.ts';
import { leftOf, runGrid, standingOf, writeResults } from './ablation/grid.ts';
import { readGrid, usage } from './ablation/options.ts';
import { estimateGrid, planText } from './ablation/plan.ts';
import { resultsTable } from './ablation/results.ts';
import { checkSettings } from './ablation/settings.ts';
import { runBench } from './command.ts';

await runBench(async (signal) => {
  const asked = await readGrid();
  if (asked === undefined) return console.log(usage);
  const { grid, plan, json } = asked;
  await checkSettings(grid.out, grid.settings);
  using progress = new Progress(process.stderr, { every: 30 });
  const say = (line: string) => {
    progress.clear();
    process.stderr.write(`${line}\n`);
  };
  const standing = await standingOf(grid), left = await leftOf(grid, standing);
  if (plan || left.runs.length > 0 || left.askBase) {
    const estimate = await estimateGrid(grid, { signal, onWork: say });
    if (plan) return console.log(planText(estimate, grid, left));
    say(planText(estimate, grid, left));
    await runGrid(grid, standing, left, estimate, { signal, progress, say });
  }
  const results = await writeResults(grid, standing);
  console.log(json ? JSON.stringify(results) : resultsTable(results));
});
