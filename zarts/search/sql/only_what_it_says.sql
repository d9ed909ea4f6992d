-- The same triggers as before (search.sql), asked only when something changed that a line says. A move along the path of
-- an open deal changes nothing of it: until now each looked, and wrote the line anew as it was.
drop trigger search_changed on opportunities_client;
create trigger search_changed after update on opportunities_client for each row
  when ((old.name, old.owner_id, old.team_id, old.website, old.industry, old.country, old.merged_into_id)
    is distinct from (new.name, new.owner_id, new.team_id, new.website, new.industry, new.country, new.merged_into_id))
  execute function zarts_search_changed('client', 'client_id', 'id', 'website', 'industry', 'country', 'merged_into_id', '|', 'name', 'owner_id', 'team_id');
drop trigger search_changed on opportunities_contact;
create trigger search_changed after update on opportunities_contact for each row
  when ((old.name, old.title, old.email, old.phone, old.left_on, old.merged_into_id, old.client_id)
    is distinct from (new.name, new.title, new.email, new.phone, new.left_on, new.merged_into_id, new.client_id))
  execute function zarts_search_changed('contact', 'client_id', 'client_id', 'title', 'email', 'phone', 'left_on', 'merged_into_id', 'client_id', '|', 'name');
drop trigger search_changed on opportunities_lead;
create trigger search_changed after update on opportunities_lead for each row
  when ((old.name, old.company, old.owner_id, old.team_id, old.email, old.phone, old.website, old.words, old.stage in ('new', 'working'))
    is distinct from (new.name, new.company, new.owner_id, new.team_id, new.email, new.phone, new.website, new.words, new.stage in ('new', 'working')))
  execute function zarts_search_changed('lead', 'lead_id', 'id', 'email', 'phone', 'website', 'words', 'stage', '|', 'name', 'company', 'owner_id', 'team_id');
drop trigger search_changed on opportunities_opportunity;
create trigger search_changed after update on opportunities_opportunity for each row
  when ((old.name, old.owner_id, old.team_id, old.client_id, old.stage in ('handed_off', 'lost'))
    is distinct from (new.name, new.owner_id, new.team_id, new.client_id, new.stage in ('handed_off', 'lost')))
  execute function zarts_search_changed('opportunity', 'opportunity_id', 'id', 'stage', '|', 'name', 'owner_id', 'team_id', 'client_id');
drop trigger search_changed on proposals_proposal;
create trigger search_changed after update on proposals_proposal for each row
  when ((old.title, old.number, old.revision, old.intro, old.stage in ('accepted', 'declined', 'expired', 'superseded', 'withdrawn'))
    is distinct from (new.title, new.number, new.revision, new.intro, new.stage in ('accepted', 'declined', 'expired', 'superseded', 'withdrawn')))
  execute function zarts_search_changed('proposal', 'opportunity_id', 'opportunity_id', 'number', 'revision', 'intro', 'stage', '|', 'title');
drop trigger search_changed on proposals_contract;
create trigger search_changed after update on proposals_contract for each row
  when ((old.number, old.stage in ('ended', 'declined', 'voided')) is distinct from (new.number, new.stage in ('ended', 'declined', 'voided')))
  execute function zarts_search_changed('contract', '', '', 'number', 'stage');
drop trigger search_changed on handoff_project;
create trigger search_changed after update on handoff_project for each row
  when ((old.name, old.stage = 'closed') is distinct from (new.name, new.stage = 'closed'))
  execute function zarts_search_changed('project', '', '', 'name', 'stage');
drop trigger search_changed on opportunities_message;
create trigger search_changed after update on opportunities_message for each row
  when ((old.subject, old.body, old.client_id, old.opportunity_id, old.contact_id)
    is distinct from (new.subject, new.body, new.client_id, new.opportunity_id, new.contact_id))
  execute function zarts_search_changed('message', '', '', 'subject', 'body', 'client_id', 'opportunity_id', 'contact_id');
