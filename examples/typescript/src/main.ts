// node build/main.js http://127.0.0.1:4000, with DOCTOR_TOKEN and PATIENT_TOKEN in the environment:
// finds a patient as the doctor, shows the patient's phone, then waits for an arrival in the queue.
import { home } from './phone.js';
import { findPatients, watchQueue } from './workplace.js';

const [base = 'http://127.0.0.1:4000', text = 'Priya'] = process.argv.slice(2);
const { DOCTOR_TOKEN: doctor, PATIENT_TOKEN: patient } = process.env;
if (!doctor || !patient) throw new Error('set DOCTOR_TOKEN and PATIENT_TOKEN');

for (const found of await findPatients(base, doctor, text)) {
  console.log(`found: ${found.name}, ${found.age} years, ${found.mrn}`);
}
console.log(`phone of: ${(await home(base, patient))?.patient?.name}`);
await watchQueue(base, doctor, ({ reason, queue }) => {
  console.log(`queue: ${reason}, ${queue.waitingCount} waiting`);
  return reason !== 'CURRENT';
});
