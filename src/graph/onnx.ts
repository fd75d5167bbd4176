/** A graph as ONNX. */
import { StaveError } from '../errors.ts';
import type { Graph } from './topology.ts';

export type OnnxModel = {
  /** The bytes of a ModelProto. */
  model: Uint8Array;
  /** For the session option `externalData`: weights that are in memory and too large to be copied into the bytes. */
  externalData: { path: string; data: Uint8Array }[];
  /** Weights left in their files: the session needs `extra: {session: {model_external_initializers_file_folder_path: '/'}}`. */
  files: string[];
};

export function onnx(g: Graph): OnnxModel {
  throw new StaveError('GRAPH', { what: `ONNX export of ${g.nodes.length} nodes is not there yet` });
}
