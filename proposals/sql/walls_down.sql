drop function if exists zarts_keep_rows, zarts_keep_content, zarts_keep_clauses, zarts_keep_clause cascade;
drop sequence if exists proposals_number, proposals_contract_number;
