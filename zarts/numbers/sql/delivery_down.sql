drop trigger numbers_new on handoff_report;
drop trigger numbers_changed on handoff_report;
drop trigger numbers_changed on handoff_project;
drop trigger numbers_new on handoff_promise;
drop trigger numbers_changed on handoff_promise;
delete from numbers_touched where kind in ('report', 'claim');
drop view numbers_drift, numbers_true, numbers_true_sold, numbers_disputed, numbers_report;
create view numbers_true as select 1;
create view numbers_drift as select 1;
drop function numbers_tell_history(), numbers_tell_proof();
alter function numbers_tell_selling() rename to numbers_tell_history;
alter function numbers_tell_proved() rename to numbers_tell_proof;
drop function numbers_of_reports(), numbers_of_projects(), numbers_of_sold(), numbers_claims_of(bigint[]),
  numbers_count_reports(bigint[], boolean), numbers_count_claims(bigint[], text[], boolean), numbers_tell_disputes(),
  numbers_count_each_report();
