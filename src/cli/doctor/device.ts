/** Where models can run but on the processor: each device does its self-test again, whatever it gave before. */
import { float32, forgetTrials, keptTrial } from '../../generate/index.ts';
import { checking, type Check } from './finding.ts';

export const checkDevice = (device: 'webgpu' | 'cuda'): Check => checking(device, async (signal) => {
  await forgetTrials(device);
  const trial = await keptTrial(device, { model_type: 'qwen2_vl', types: float32 }, { signal });
  if (trial.result === 'absent') return { status: 'none', found: `not there: ${trial.why}` };
  if (trial.result !== 'right') return { status: 'warn', found: trial.why, fix: 'the processor does its work; another driver may help' };
  const { off, faster } = trial;
  const found = `a small model's numbers are the processor's to ${off.toExponential(0)}; large products are ${(faster > 1 ? faster : 1 / faster).toFixed(1)} times ${faster > 1 ? `as fast (--device ${device})` : 'slower'}`;
  return { status: 'ok', found };
});
