import { afterEach, describe, expect, test, vi } from 'vitest';
import { createOutput } from './output';

describe('createOutput', () => {
  const spy = (stream: NodeJS.WriteStream) => {
    const texts: string[] = [];
    vi.spyOn(stream, 'write').mockImplementation((text) => {
      texts.push(String(text));
      return true;
    });
    return texts;
  };
  const speak = (options: { json: boolean; quiet: boolean }) => {
    const [stdout, stderr] = [spy(process.stdout), spy(process.stderr)];
    const output = createOutput(options);
    output.info('info');
    output.warn('warn');
    output.print('print');
    output.result({ a: 1 });
    const bar = output.startBar('Work', 2, 'steps');
    bar.update(1, 'note');
    bar.update(2);
    bar.stop();
    vi.restoreAllMocks();
    return { stdout: stdout.join(''), stderr: stderr.join('') };
  };
  afterEach(() => vi.restoreAllMocks());

  test('results go to stdout, everything else to stderr', () => {
    const { stdout, stderr } = speak({ json: false, quiet: false });
    expect(stdout).toBe('print\n');
    expect(stderr).toMatch(/^info\n.*warning.* warn\n/);
    expect(stderr).toContain('Work: 2/2 steps');
  });
  test('--json prints the document alone', () => {
    expect(JSON.parse(speak({ json: true, quiet: false }).stdout)).toEqual({ a: 1 });
  });
  test('--quiet prints warnings alone on stderr', () => {
    const { stdout, stderr } = speak({ json: false, quiet: true });
    expect(stdout).toBe('print\n');
    expect(stderr).toMatch(/^.*warning.* warn\n$/);
  });
  test('an announcement comes before the next line, once, or not at all', () => {
    const stderr = spy(process.stderr);
    const output = createOutput({ json: false, quiet: false });
    output.announce('Engine: cpu');
    expect(stderr).toEqual([]);
    output.info('first');
    output.info('second');
    vi.restoreAllMocks();
    expect(stderr).toEqual(['Engine: cpu\n', 'first\n', 'second\n']);
  });
  test('details are for --debug', () => {
    const stderr = spy(process.stderr);
    createOutput({ json: false, quiet: false }).detail('hidden');
    createOutput({ json: false, quiet: true, debug: true }).detail('shown');
    vi.restoreAllMocks();
    expect(stderr).toEqual(['shown\n']);
  });
});
