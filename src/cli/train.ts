import { StaveError } from '../errors.ts';
import { parseAssignment } from '../train/change.ts';
import { loadStages, planTraining, trainStages, type Recipe, type TrainProgress } from '../train/index.ts';
import { string, strings, type Command, type Io } from './command.ts';
import { Progress } from './progress.ts';
import { planTable } from './train-plan.ts';
import { bytes, duration } from './units.ts';

export const train: Command = {
  name: 'train',
  summary: 'Train a model from a recipe. Ctrl-C saves a checkpoint and stops; --resume continues exactly there.',
  args: [{ name: 'RECIPE', help: 'a recipe file, for example box/recipe.json' }],
  options: {
    plan: { type: 'boolean', help: 'say what the run would take (memory, tokens, steps, time), from its shapes and a few updates on trial; nothing is written' },
    resume: { type: 'boolean', help: 'continue from the last checkpoint in the recipe\'s output folder' },
    out: { type: 'string', value: 'DIR', help: 'where checkpoints, log and model go (default: the recipe\'s "out")' },
    set: { type: 'string', many: true, value: 'PATH=VALUE', help: 'another value for a field of the recipe, as JSON: optimizer.lr=5e-5; may be given several times' },
    json: { type: 'boolean', help: 'one JSON line per step on standard output' },
  },
  examples: ['stave train box/recipe.json', 'stave train --plan box/recipe.json', 'stave train box/recipe.json --resume', 'stave train box/recipe.json --out runs/again --set optimizer.lr=5e-4'],
  async run([file], values, { stdout, stderr, signal }) {
    const out = string(values, 'out');
    const set = strings(values, 'set');
    const stages = await loadStages(file, { out, set: Object.fromEntries(set.map(parseAssignment)) });
    if (values.plan) {
      if (values.resume) throw new StaveError('USAGE', { what: '--plan and --resume do not go together', fix: 'a plan is of the whole run' });
      return planned(stages, values.json === true, { stdout, stderr, signal });
    }
    const goOn = ['stave train', file, ...(out === undefined ? [] : ['--out', out]), ...set.flatMap((text) => ['--set', /^[\w.=+-]+$/.test(text) ? text : `'${text}'`]), '--resume'].join(' ');
    using progress = new Progress(stderr, { every: 30 });
    const result = await trainStages(stages, {
      resume: values.resume === true,
      signal,
      onStep: (step) => (values.json ? stdout.write(`${JSON.stringify(step)}\n`) : progress.show(line(step))),
      onLog: (text) => {
        progress.clear();
        stderr.write(`${text}\n`);
      },
    });
    progress.clear();
    if (values.json) stdout.write(`${JSON.stringify(result)}\n`);
    else if (result.finished) stdout.write(`model saved in ${result.model}${result.model_step === result.step ? '' : ` (that of step ${result.model_step}, which did best)`}${result.adapter === undefined ? '' : `, its adapter in ${result.adapter}`}${result.skipped === undefined ? '' : `; ${result.skipped} rows of the data could not be used, see skipped.jsonl`}\n`);
    else stdout.write(`stopped after step ${result.step} of ${stages[result.stage].steps}${stages.length > 1 ? ` in stage ${result.stage + 1} of ${stages.length}` : ''}; "${goOn}" continues\n`);
    if (!result.finished) signal.throwIfAborted();
  },
};

async function planned(stages: Recipe[], json: boolean, { stdout, stderr, signal }: Io): Promise<void> {
  using progress = new Progress(stderr, { every: 30 });
  const plans = await planTraining(stages, { signal, onPlan: ({ name, memory }) => progress.show(`${name}: about ${bytes(memory.total)} by its shapes; trying a few updates`) });
  progress.clear();
  for (const plan of plans) stdout.write(json ? `${JSON.stringify(plan)}\n` : `${planTable(plan)}${plan === plans.at(-1) ? '' : '\n'}`);
}

function line(p: TrainProgress): string {
  const rate = `${p.clips_per_second.toFixed(1)} clips/s  ${(p.tokens_per_second / 1000).toFixed(1)}k tokens/s  ${p.gflops.toFixed(0)} GFLOP/s`;
  return `step ${p.step}/${p.steps}  loss ${p.loss.toFixed(4)}  ETA ${duration(p.eta)}  ${rate}  lr ${p.lr.toExponential(1)}  |g| ${p.grad_norm.toFixed(2)}  ${bytes(p.memory)}`; // what matters most first: a narrow terminal cuts the end
}
