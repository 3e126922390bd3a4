import { RequestMethod, type Type } from '@nestjs/common';
import { METHOD_METADATA, MODULE_METADATA, PATH_METADATA } from '@nestjs/common/constants.js';
import { ACCESS, type Permission } from '../../platform/http/access.js';

interface Route {
  method: string;
  path: string;
  permission: Permission;
}

type Handler = (...given: never[]) => unknown;

/** Every route of a module's controllers, by path. @throws Error for one that names no permission */
export function routesOf(module: Type): Route[] {
  const controllers = (Reflect.getMetadata(MODULE_METADATA.CONTROLLERS, module) ?? []) as Type[];
  return controllers
    .flatMap((controller) => handlersOf(controller).map((handler) => routeOf(controller, handler)))
    .toSorted((a, b) => (lineOf(a) < lineOf(b) ? -1 : 1));
}

/** What test/api/routes.snap holds: a line each of path, method and permission. */
export const writtenRoutes = (routes: Route[]): string => routes.map((route) => `${lineOf(route)}\n`).join('');

const lineOf = ({ method, path, permission }: Route): string => `${path} ${method} ${permission}`;

const handlersOf = ({ prototype }: Type): Handler[] =>
  Object.getOwnPropertyNames(prototype)
    .map((name) => (prototype as Record<string, unknown>)[name])
    .filter(
      (member): member is Handler => typeof member === 'function' && Reflect.hasMetadata(METHOD_METADATA, member),
    );

function routeOf(controller: Type, handler: Handler): Route {
  const permission = Reflect.getMetadata(ACCESS, handler) as Permission | undefined;
  if (permission === undefined) throw new Error(`${controller.name}.${handler.name} names no permission: add @Access`);
  const parts = [controller, handler].map((marked) => Reflect.getMetadata(PATH_METADATA, marked) as string);
  const method = RequestMethod[Reflect.getMetadata(METHOD_METADATA, handler) as RequestMethod];
  return { method, path: `/${parts.join('/')}`.replace(/\/{2,}/g, '/').replace(/(?<=.)\/$/, ''), permission };
}
