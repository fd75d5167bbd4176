import type { Command, Io } from './command.ts';
import { checkDecoder } from './doctor/decoder.ts';
import { checkDevice } from './doctor/device.ts';
import { checkEngine } from './doctor/engine.ts';
import type { Check, Finding } from './doctor/finding.ts';
import { checkDisk, checkMemory, checkNode, checkProcessor } from './doctor/machine.ts';
import { checkCache, checkHub } from './doctor/models.ts';
import { waiting } from './progress.ts';

const checks: Check[] = [checkNode, checkProcessor, checkMemory, checkDisk, checkEngine, checkDevice('webgpu'), checkDevice('cuda'), checkDecoder, checkCache];

export const doctor: Command = {
  name: 'doctor',
  summary: 'Check that everything stave needs works on this machine',
  args: [],
  options: {
    network: { type: 'boolean', help: 'see whether the Hub can be reached, too; without it nothing is asked of the network' },
    json: { type: 'boolean', help: 'one line of JSON per check' },
  },
  examples: ['stave doctor', 'stave doctor --network --json'],
  async run(_args, values, { stdout, stderr, signal }) {
    let failed = false;
    for (const check of values.network ? [...checks, checkHub] : checks) {
      signal.throwIfAborted();
      const finding = await awaitCheck(check, stderr, signal);
      failed ||= finding.status === 'fail';
      stdout.write(values.json ? `${JSON.stringify(finding)}\n` : line(finding));
    }
    return failed ? 1 : 0;
  },
};

/** A driver that is slow to compile takes minutes. */
async function awaitCheck(check: Check, stderr: Io['stderr'], signal: AbortSignal): Promise<Finding> {
  using _ = waiting(stderr, check.check, { every: 30 });
  return await check(signal);
}

function line({ check, status, found, fix }: Finding): string {
  return `${status.padEnd(6)}${check.padEnd(11)}${found}\n${fix === undefined ? '' : `${' '.repeat(17)}→ ${fix}\n`}`;
}
