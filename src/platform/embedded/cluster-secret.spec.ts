import { connectionUrl, passwordOf } from './cluster-secret.js';

describe('the passwords of the embedded database', () => {
  it('derives the same password for the same role and secret', () => {
    expect(passwordOf('waypost_app', 'secret')).toBe(passwordOf('waypost_app', 'secret'));
  });

  it('differs by role and by secret', () => {
    const passwords = [
      passwordOf('waypost_app', 'secret'),
      passwordOf('waypost_owner', 'secret'),
      passwordOf('waypost_app', 'another secret'),
    ];
    expect(new Set(passwords).size).toBe(3);
  });

  it('gives the superuser the secret itself', () => {
    expect(passwordOf('postgres', 'secret')).toBe('secret');
  });
});

describe('connectionUrl', () => {
  it('survives any role name', () => {
    const url = new URL(connectionUrl({ port: 5432, secret: 'secret' }, 'a:b@c/d', 'waypost'));
    expect(decodeURIComponent(url.username)).toBe('a:b@c/d');
    expect(url.host).toBe('127.0.0.1:5432');
    expect(url.pathname).toBe('/waypost');
  });
});
