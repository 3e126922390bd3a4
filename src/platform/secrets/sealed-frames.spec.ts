import { describe, expect, it } from '@jest/globals';
import { FrameSealer, openFrames, openFramesWithAny } from './sealed-frames.js';

const key = Buffer.alloc(32, 1);
const texts = ['one', 'zwei — ünïcode', ''].map((text) => Buffer.from(text));
const sealer = new FrameSealer(key);
const [first, second, third] = texts.map((text) => sealer.seal(text)) as [Buffer, Buffer, Buffer];
const file = Buffer.concat([first, second, third]);

describe('sealed frames', () => {
  it('give back what was written', () => expect(openFrames(key, file)).toEqual({ frames: texts, torn: false }));
  it('may be none', () => expect(openFrames(key, Buffer.alloc(0))).toEqual({ frames: [], torn: false }));
  it('show nothing of their text', () => expect(file.includes('ünïcode')).toBe(false));

  it('are cut at a torn tail, wherever it tore', () => {
    const next = sealer.seal(Buffer.from('vier'));
    for (let length = 1; length < next.length; length++) {
      const torn = Buffer.concat([file, next.subarray(0, length)]);
      expect(openFrames(key, torn)).toEqual({ frames: texts, torn: true });
    }
  });

  it('are cut where any byte changed', () => {
    for (let at = 0; at < file.length; at++) {
      const damaged = Buffer.from(file);
      damaged[at] = (damaged[at] ?? 0) ^ 1;
      const before = at < first.length ? 0 : at < first.length + second.length ? 1 : 2;
      expect(openFrames(key, damaged)).toEqual({ frames: texts.slice(0, before), torn: true });
    }
  });

  it.each([
    ['moved', [second, first]],
    ['repeated', [first, first]],
    ['left out', [first, third]],
  ])('are cut where one was %s', (_what, frames) => {
    expect(openFrames(key, Buffer.concat(frames)).torn).toBe(true);
  });

  it('open with their own key alone', () => {
    expect(openFrames(Buffer.alloc(32, 2), file)).toEqual({ frames: [], torn: true });
  });

  it('open with whichever of several keys is theirs', () => {
    const other = Buffer.alloc(32, 2);
    expect(openFramesWithAny([other, key], file)).toEqual({ frames: texts, torn: false });
    expect(openFramesWithAny([key, other], file.subarray(0, -1))).toEqual({ frames: texts.slice(0, 2), torn: true });
    expect(openFramesWithAny([other], file)).toEqual({ frames: [], torn: true });
    expect(openFramesWithAny([other, key], Buffer.alloc(0))).toEqual({ frames: [], torn: false });
  });
});
