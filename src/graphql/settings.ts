import { type Role, roleNames } from '../access/roles.ts';
import { filePath, listOf, splitList } from '../settings/kinds.ts';
import { type Kind, settingGroup, UnexpectedTextError } from '../settings/setting.ts';
import { type DocumentPolicy, documentPolicies } from './trusted-documents.ts';

const policyNames = Object.keys(documentPolicies);

const policies: Kind<Partial<Record<Role, DocumentPolicy>>> = {
  expected: `pairs such as CUSTOMER=required,SUPPORT=preferred, of a role and ${policyNames.join(', ')}`,
  parse(value) {
    const pairs = splitList(value).map((pair) => {
      const [role = '', policy = ''] = pair.split('=').map((part) => part.trim());
      if (roleNames.includes(role as Role) && policyNames.includes(policy)) return [role, policy];
      throw new UnexpectedTextError(pair);
    });
    return Object.fromEntries(pairs);
  },
};

/** Which documents may be sent, and by whom. */
export const documentSettings = settingGroup({
  title: 'Trusted documents',
  members: {
    files: {
      name: 'TRUSTED_DOCUMENTS',
      meaning:
        'Files of documents that may be sent by their hash alone, comma separated: JSON, texts by the SHA-256 of the text',
      kind: listOf(filePath, 'paths of files, comma separated'),
      default: '',
    },
    policies: {
      name: 'DOCUMENT_POLICY',
      meaning:
        'By role, whether other documents may be sent too: "optional" (any), "preferred" (any, without introspection), "required" (none)',
      kind: policies,
      default: '',
    },
  },
});
