import { AV_CODEC_ID_AV1, AV_CODEC_ID_H264, AV_CODEC_ID_HEVC, AV_CODEC_ID_MJPEG, AV_CODEC_ID_VP8, AV_CODEC_ID_VP9, AV_NOPTS_VALUE, AV_PKT_FLAG_DISCARD } from 'node-av/constants';
import type { Packet } from 'node-av/lib';
import { within } from './limits.ts';
import type { Limits } from './limits.ts';
import type { VideoFile } from './video-file.ts';

/** The frames of a file as its packets tell them, without decoding. */
export type Scan = {
  /** Ticks of each frame, ascending: what the decoder will put out, in the order shown. */
  ticks: Float64Array;
  /** Where decoding can begin and give every later frame as it would have been, ascending: ticks of the keyframe, and on the decoding clock. */
  keys: { shown: number; decoded: number }[];
  /** Ticks the last frame lasts; 0 if unknown. */
  lastDuration: number;
};

/** Reads all packets of a freshly opened file. Left out is what a decoder will not show: packets an edit list discards, frames before the first
 * keyframe, hidden reference frames of VP8 and VP9. @returns undefined when packets carry no usable times, so that only decoding can tell */
export function scanPackets(file: VideoFile, limits: Limits): Scan | undefined {
  const { codecId } = file.stream.codecpar;
  const reorders = file.stream.codecpar.videoDelay > 0;
  const nalLength = nalLengthOf(file);
  const keys: Scan['keys'] = [];
  let begun = false;
  let firstKey = NaN;
  const shown: number[] = [];
  let durationOf = { ticks: -Infinity, duration: 0 };
  for (let packet = file.read(); packet; packet = file.read()) {
    const { pts, dts } = packet;
    const ticks = pts !== AV_NOPTS_VALUE ? Number(pts) : reorders || dts === AV_NOPTS_VALUE ? NaN : Number(dts);
    if (packet.isKeyframe) {
      if (!begun) firstKey = ticks;
      begun = true;
      if (isEntry(packet, codecId, nalLength)) keys.push({ shown: ticks, decoded: dts === AV_NOPTS_VALUE ? ticks : Number(dts) });
    }
    if (!begun || packet.flags & AV_PKT_FLAG_DISCARD || isHidden(packet, codecId)) continue;
    if (Number.isNaN(ticks)) return undefined;
    shown.push(ticks);
    if (ticks > durationOf.ticks) durationOf = { ticks, duration: Number(packet.duration) };
    within(limits, 'frames', shown.length, file.info.path, 'frames');
  }
  if (Number.isNaN(firstKey) || keys.some((key) => Number.isNaN(key.shown))) return undefined;
  const ticks = Float64Array.from(shown).toSorted();
  for (let i = 1; i < ticks.length; i++) if (ticks[i] === ticks[i - 1]) return undefined; // two frames at one time
  const from = ticks.findIndex((t) => t >= firstKey);
  return { ticks: from > 0 ? ticks.subarray(from) : ticks, keys: keys.toSorted((a, b) => a.shown - b.shown), lastDuration: durationOf.duration };
}

/** Whether a decoder can start at a packet flagged as a keyframe and give all later frames as they are. Not known for other codecs: not relied on. */
function isEntry(packet: Packet, codecId: number, nalLength: number): boolean {
  if (codecId === AV_CODEC_ID_H264) return hasIdr(packet.data, nalLength); // others are points of recovery, which may take a while
  return codecId === AV_CODEC_ID_HEVC || codecId === AV_CODEC_ID_VP8 || codecId === AV_CODEC_ID_VP9 || codecId === AV_CODEC_ID_AV1 || codecId === AV_CODEC_ID_MJPEG;
}

/** Bytes of the length before each NAL unit, from the avcC record; 0 when units are separated by start codes instead. */
function nalLengthOf({ stream }: VideoFile): number {
  const record = stream.codecpar.extradata;
  return record && record.length > 4 && record[0] === 1 ? (record[4] & 3) + 1 : 0;
}

/** Whether an H.264 packet holds an IDR picture (NAL unit type 5). */
function hasIdr(data: Uint8Array | null, nalLength: number): boolean {
  if (!data || nalLength === 0) return false;
  for (let at = 0; at + nalLength < data.length; ) {
    let length = 0;
    for (let i = 0; i < nalLength; i++) length = length * 256 + data[at++];
    if ((data[at] & 31) === 5) return true;
    at += length;
  }
  return false;
}

/** Whether a packet is decoded but never shown, by the first bits of its frame header. */
function isHidden(packet: Packet, codecId: number): boolean {
  if (codecId !== AV_CODEC_ID_VP8 && codecId !== AV_CODEC_ID_VP9) return false;
  const data = packet.data;
  if (!data || data.length === 0) return true;
  if (codecId === AV_CODEC_ID_VP8) return ((data[0] >> 4) & 1) === 0; // key_frame(1) version(3) show_frame(1), from the low end (RFC 6386, 9.1)
  if ((data[data.length - 1] & 0xe0) === 0xc0) return false; // superframe: hidden frames packed with a shown one
  const profile = ((data[0] >> 5) & 1) | ((data[0] >> 3) & 2);
  const at = profile === 3 ? 2 : 3; // frame_marker(2) profile(2) [reserved(1)] show_existing_frame(1) frame_type(1) show_frame(1)
  const showExisting = (data[0] >> at) & 1;
  const show = (data[0] >> (at - 2)) & 1;
  return !showExisting && !show;
}
