/** The ten actions of Motion-10: five opposite pairs that no single frame tells apart, named as Something-Something V2 names its classes. */
export const actions = {
  'left-to-right': 'Moving [something] from left to right',
  'right-to-left': 'Moving [something] from right to left',
  rising: '[Something] rising',
  falling: '[Something] falling',
  closer: '[Something] coming closer',
  away: '[Something] going away',
  clockwise: 'Turning [something] clockwise',
  anticlockwise: 'Turning [something] anticlockwise',
  appearing: '[Something] appearing',
  disappearing: '[Something] disappearing',
} as const;

export type Action = keyof typeof actions;
export const actionIds = Object.keys(actions) as Action[];

/** What the action becomes when the clip is played backwards. */
export const opposite: Readonly<Record<Action, Action>> = {
  'left-to-right': 'right-to-left',
  'right-to-left': 'left-to-right',
  rising: 'falling',
  falling: 'rising',
  closer: 'away',
  away: 'closer',
  clockwise: 'anticlockwise',
  anticlockwise: 'clockwise',
  appearing: 'disappearing',
  disappearing: 'appearing',
};

/** What the action becomes in a mirror (left and right exchanged). */
export const mirrored: Readonly<Record<Action, Action>> = {
  ...(Object.fromEntries(actionIds.map((a) => [a, a])) as Record<Action, Action>),
  'left-to-right': 'right-to-left',
  'right-to-left': 'left-to-right',
  clockwise: 'anticlockwise',
  anticlockwise: 'clockwise',
};
