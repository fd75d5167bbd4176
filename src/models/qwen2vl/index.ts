export { configJson, parseConfig, temporalHeads, type Qwen2VLConfig, type TemporalAttention, type TextConfig, type VisionConfig } from './config.ts';
export { languageGraph, visionGraph } from './graphs.ts';
export { languageModel, type LanguageInputs, type LanguageOutputs, type LanguageParams } from './language.ts';
export { openQwen2VL, type OpenOptions, type Qwen2VL } from './model.ts';
export { mropeTables, ropeIndex, textPositions, type Grid, type PositionIds } from './mrope.ts';
export { spaceTables, timeTables, type RopeTables } from './rope.ts';
export { parameterShapes } from './tensors.ts';
export { checkPreprocessor, parsePreprocessorConfig, type PreprocessorConfig } from './preprocessor-config.ts';
export { visionTower, type VisionOutputs, type VisionRope } from './vision.ts';
