import { cp, mkdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { Failure, run } from './project.mjs';

// Does what docker/Dockerfile says, without Docker: each stage in a folder of its own, on this machine's Node instead of the
// base image's. It knows the instructions that stand there, and refuses others.

/** @returns stages by name, each a list of `[instruction, rest of the line]` */
export function stagesOf(text) {
  const lines = text
    .replaceAll(/\\\n\s*/g, '')
    .split('\n')
    .filter((line) => /^[A-Z]/.test(line));
  const stages = new Map();
  for (const line of lines) {
    const [, instruction, rest] = /^([A-Z]+)\s+(.*)$/.exec(line) ?? [];
    const [, name] = instruction === 'FROM' ? (/\sAS\s+(\S+)$/.exec(rest) ?? []) : [];
    if (instruction === 'FROM' && name === undefined) throw new Failure(`A stage without a name: ${line}`);
    if (name !== undefined) stages.set(name, []);
    else [...stages.values()].at(-1)?.push([instruction, rest]);
  }
  return stages;
}

/**
 * @param context folder that COPY takes files from
 * @param folderOf where a stage's root is
 * @returns the folder of the image, and what its container is told: user, environment, command
 */
export async function assemble(dockerfile, context, folderOf) {
  const stages = stagesOf(await readFile(dockerfile, 'utf8'));
  const ignored = await readFile(join(context, '.dockerignore'), 'utf8');
  const last = [...stages.keys()].at(-1);
  let image;
  for (const [name, steps] of stages) {
    const stage = { root: folderOf(name), cwd: '/', env: {}, isLast: name === last };
    for (const [instruction, rest] of steps) {
      await (STEPS[instruction] ?? unknown(instruction))(stage, rest, { context, ignored, folderOf });
    }
    image = stage;
  }
  return image;
}

const unknown = (instruction) => () => {
  throw new Failure(`bin/dockerfile.mjs does not know ${instruction}`);
};
const nothing = async () => undefined;
const inStage = (stage, path) => join(stage.root, path.startsWith('/') ? path : join(stage.cwd, path));

const STEPS = {
  async WORKDIR(stage, path) {
    stage.cwd = path;
    await mkdir(inStage(stage, '.'), { recursive: true });
  },

  async COPY(stage, rest, { context, ignored, folderOf }) {
    const words = rest.split(/\s+/);
    const from = /^--from=(.+)$/.exec(words[0] ?? '')?.[1];
    const paths = from === undefined ? words : words.slice(1);
    const to = paths.pop();
    for (const path of paths) {
      if (from === undefined && !ignored.split('\n').includes(`!${path}`)) {
        throw new Failure(`.dockerignore keeps ${path} from the build that copies it`);
      }
      const source = from === undefined ? join(context, path) : join(folderOf(from), path);
      const target = to.endsWith('/') ? join(inStage(stage, to), basename(path)) : inStage(stage, to);
      await cp(source, target, { recursive: true, verbatimSymlinks: true });
    }
  },

  async RUN(stage, command) {
    // What the last stage runs is about the base image, which is not here, and must not be done to this machine.
    if (stage.isLast) return console.log(`Not run, for it changes the base image: ${command}`);
    console.log(command);
    const { code, output } = await run('/bin/sh', ['-c', command], { quiet: true, cwd: inStage(stage, '.') });
    if (code !== 0) throw new Failure(`${output}\n${command} ended with ${code}`);
  },

  async ENV(stage, rest) {
    Object.assign(stage.env, Object.fromEntries(rest.split(/\s+/).map((pair) => pair.split('='))));
  },
  async USER(stage, user) {
    stage.user = user;
  },
  async ENTRYPOINT(stage, words) {
    stage.entrypoint = JSON.parse(words);
  },
  async CMD(stage, words) {
    stage.command = JSON.parse(words);
  },
  ARG: nothing,
  LABEL: nothing,
  EXPOSE: nothing,
  STOPSIGNAL: nothing,
};
