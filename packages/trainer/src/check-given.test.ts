import { expect, test } from 'vitest';
import { train } from './index';
import * as node from './node';

type Call = (...given: never[]) => Promise<unknown>;
const functions: [string, Call, string[]][] = [
  ['train', train as Call, ['learner', 'options']],
  ['trainRun', node.trainRun as Call, ['options']],
  ['pretrain', node.pretrain as Call, ['prepared']],
  ['preparePretraining', node.preparePretraining as Call, ['config']],
  ['transfer', node.transfer as Call, ['prepared']],
  ['prepareTransfer', ((request: never) => node.prepareTransfer('x', request)) as Call, ['request']],
  ['runDemo', node.runDemo as Call, ['plan']],
  ['runEvaluation', node.runEvaluation as Call, ['prepared']],
  ['prepareEvaluation', node.prepareEvaluation as Call, ['request']],
  ['sampleToFiles', node.sampleToFiles as Call, ['source']],
];

test.each(functions)('%s names the argument that is missing', async (name, call, [first, second]) => {
  await expect(call(null as never, null as never)).rejects.toThrow(`${name}: ${first}: expected an object, got null`);
  const missing = new RegExp(`^${name}: ${second ?? first}\\.\\w+: missing$`);
  await expect(call({} as never, {} as never)).rejects.toThrow(missing);
});
