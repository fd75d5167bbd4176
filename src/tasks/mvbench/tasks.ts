/** The twenty tasks of MVBench in the group's order, with the folder of each one's videos in the data set's revision `video`, where clips are cut beforehand and no start or end is needed. */
export const mvbenchFolders = {
  action_sequence: 'star/Charades_segment',
  moving_count: 'clevrer/video_validation',
  action_prediction: 'star/Charades_segment',
  episodic_reasoning: 'tvqa/video_fps3_hq_segment',
  action_antonym: 'ssv2_video_mp4',
  action_count: 'perception/videos',
  scene_transition: 'scene_qa/video',
  object_shuffle: 'perception/videos',
  object_existence: 'clevrer/video_validation',
  fine_grained_pose: 'nturgbd_convert',
  unexpected_action: 'FunQA_test/test',
  moving_direction: 'clevrer/video_validation',
  state_change: 'perception/videos',
  object_interaction: 'star/Charades_segment',
  character_order: 'perception/videos',
  action_localization: 'sta/sta_video_segment',
  counterfactual_inference: 'clevrer/video_validation',
  fine_grained_action: 'Moments_in_Time_Raw/videos',
  moving_attribute: 'clevrer/video_validation',
  egocentric_navigation: 'vlnqa',
} as const;

export type MvbenchTask = keyof typeof mvbenchFolders;

export const mvbenchTasks = Object.keys(mvbenchFolders) as MvbenchTask[];
