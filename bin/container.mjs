import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';

// As near to a container as a machine without an engine comes: a mount namespace whose root holds this machine's libraries, the
// image's folder and one writable folder, all else read-only, and a user id that nobody has. Root alone can make one.

const SCRIPT = `
set -eu
root=$1 app=$2 node=$3 data=$4 user=$5; shift 5
mount -t tmpfs -o mode=755,size=1m tmpfs "$root"
mkdir "$root/app" "$root/data" "$root/dev" "$root/proc"
readonly_bind() { mount --bind "$1" "$2"; mount -o remount,bind,ro "$2"; }
for name in usr etc bin lib lib64; do
  if [ -L "/$name" ]; then cp -P "/$name" "$root/$name"
  elif [ -d "/$name" ]; then mkdir "$root/$name"; readonly_bind "/$name" "$root/$name"; fi
done
touch "$root/node" "$root/dev/null" "$root/dev/urandom"
readonly_bind "$node" "$root/node"
for device in null urandom; do mount --bind "/dev/$device" "$root/dev/$device"; done
mount --rbind /proc "$root/proc"
readonly_bind "$app" "$root/app"
mount --bind "$data" "$root/data"
mount -o remount,ro "$root"
exec chroot --userspec="$user:$user" --groups="$user" "$root" /usr/bin/env -C /app /node "$@"
`;

/** Why no container can be made here; undefined where it can. */
export function whyNoContainer() {
  if (process.platform !== 'linux') return `${process.platform} has no mount namespaces`;
  if (process.getuid() !== 0) return 'root alone can make mount namespaces';
  const tried = spawnSync('unshare', ['--mount', '--propagation', 'private', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt']);
  return tried.status === 0 ? undefined : (tried.error?.message ?? tried.stderr.toString().trim());
}

/**
 * Runs Node on the image's folder.
 *
 * @param home folder for what the container needs of its own
 * @param isolated false: as this user, on this machine's files
 */
export async function startContainer({ home, app, node, env, user, isolated }, args) {
  const [root, data] = [join(home, 'root'), join(home, 'data')];
  await mkdir(root, { recursive: true });
  await mkdir(data, { recursive: true });
  // As an emptyDir is: anybody may write there.
  spawnSync('chmod', ['1777', data]);
  const [file, words] = isolated
    ? [
        'unshare',
        [
          '--mount',
          '--propagation',
          'private',
          '/bin/sh',
          '-c',
          SCRIPT,
          'container',
          root,
          app,
          node,
          data,
          user,
          ...args,
        ],
      ]
    : [node, args];
  const DATA_DIR = isolated ? '/data' : data;
  const child = spawn(file, words.map(String), { cwd: app, env: { PATH: process.env.PATH, ...env, DATA_DIR } });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
  const exited = once(child, 'close').then(([code, signal]) => code ?? signal);
  return { child, exited, output: () => output };
}
