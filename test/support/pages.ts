import type { Answer, Caller, PageBody } from './waypost.js';

/** Follows a list to its end, page by page. */
export async function allPages<T>(caller: Caller, path: string): Promise<Array<Answer<PageBody<T>>>> {
  const pages: Array<Answer<PageBody<T>>> = [];
  for (let next: string | undefined = path; next !== undefined;) {
    const page: Answer<PageBody<T>> = await caller.get<PageBody<T>>(next);
    if (page.status !== 200) throw new Error(`No page: ${page.status} ${JSON.stringify(page.body)}`);
    pages.push(page);
    next = /^<([^>]+)>; rel="next"$/.exec(String(page.headers.link ?? ''))?.[1];
  }
  return pages;
}

export const everything = async <T>(caller: Caller, path: string): Promise<T[]> =>
  (await allPages<T>(caller, path)).flatMap(({ body }) => body.data);
