import { describe, expect, it } from '@jest/globals';
import { newId, publicId, toPublicId } from './ids.js';

describe('public ids', () => {
  it('are read into the UUID they were made of', () => {
    for (const id of [newId(), '00000000-0000-7000-8000-000000000000', 'ffffffff-ffff-7fff-bfff-ffffffffffff']) {
      expect(publicId('link').parse(toPublicId('link', id))).toBe(id);
    }
  });

  it.each([
    ['link_7zzzzzzzzzzzzzzzzzzzzzzzzz', 'ffffffff-ffff-ffff-ffff-ffffffffffff'],
    ['link_00000000000000000000000001', '00000000-0000-0000-0000-000000000001'],
    ['link_0123456789abcdefghjkmnpqrs', '0110c853-1d09-52d8-d73e-1194e95b5f19'],
  ])('are read also where no UUID of a known version is in them: %s', (id, uuid) =>
    expect(publicId('link').parse(id)).toBe(uuid),
  );

  it.each([
    'dom_01h455vb4pex5vsknk084sn02q',
    'link_81h455vb4pex5vsknk084sn02q',
    'link_01H455VB4PEX5VSKNK084SN02Q',
    'link_',
    '',
  ])('are not %j', (id) => expect(publicId('link').safeParse(id).success).toBe(false));
});
