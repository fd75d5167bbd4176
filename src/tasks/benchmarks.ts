/** The benchmarks by name. */
import { StaveError } from '../errors.ts';
import { motion10 } from './motion10-task.ts';
import { mvbench } from './mvbench/mvbench.ts';
import { mvbenchTasks } from './mvbench/tasks.ts';
import { ssv2With174 } from './ssv2/ssv2-174.ts';
import { t10 } from './ssv2/t10.ts';
import { vsm } from './ssv2/vsm.ts';
import type { Protocol, Task } from './task.ts';
import { videomme } from './videomme/videomme.ts';
import { aspects, vitatecs } from './vitatecs/vitatecs.ts';

/** Name → its tasks under a protocol. A group has several. */
const groups: Record<string, (protocol: Protocol) => Task<unknown>[]> = {
  vitatecs: (protocol) => aspects.map((aspect) => vitatecs(aspect, protocol)),
  mvbench: (protocol) => mvbenchTasks.map((task) => mvbench(task, protocol)),
  videomme: (protocol) => [videomme({ protocol })],
  videomme_w_subtitle: (protocol) => [videomme({ subtitles: true, protocol })],
  ssv2_t10: (protocol) => [t10(protocol)],
  ssv2_vsm: (protocol) => [vsm(protocol)],
  motion10: (protocol) => [motion10(protocol)],
  ssv2_174: (protocol) => [ssv2With174(protocol)],
};

/** Names of all benchmarks: groups, and tasks that belong to none. */
export const benchmarkNames: readonly string[] = Object.keys(groups);

/** A benchmark's tasks; also one task of a group, as `vitatecs_type` or `mvbench_action_count`. @throws USAGE for a name that there is not */
export function benchmark(name: string, protocol: Protocol = 'paper'): Task<unknown>[] {
  if (Object.hasOwn(groups, name)) return groups[name](protocol);
  const all = Object.values(groups).flatMap((tasks) => tasks(protocol));
  const one = all.find((task) => task.name === name);
  if (one) return [one];
  throw new StaveError('USAGE', { what: `there is no benchmark "${name}"`, fix: `use one of ${benchmarkNames.join(', ')}, or a task of a group, like ${all[0].name}` });
}
